-- What operators do. An operator's act is one row of the audit, and one call of `act` inserts the row and has its
-- effect: neither exists without the other. Doing it twice is doing it once.

-- The acts, hash-chained. Invariant: append-only; each row holds the hash of the one before, and the hash covers
-- every column (core, audit.rs). Whoever lost the race for the next number reads the head again and retries.
CREATE TABLE audit (
  number        bigint PRIMARY KEY,
  at_ms         bigint NOT NULL,
  operator      text NOT NULL,
  act           text NOT NULL,
  subject       text COLLATE "C" NOT NULL,
  amount_fen    bigint,
  reason        text NOT NULL,
  detail        text NOT NULL,
  previous_hash text NOT NULL,
  hash          text NOT NULL,
  CONSTRAINT audit_one_next UNIQUE (previous_hash),
  CONSTRAINT audit_hash_64 CHECK (length(hash) = 64 AND length(previous_hash) = 64)
);

CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit is append-only';
END $$;

CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_stays();

-- An exception that an operator has dealt with names the act's row. Two indexes: one a state of the list.
ALTER TABLE exceptions ADD COLUMN audit_number bigint;

DROP INDEX exceptions_open;

CREATE INDEX exceptions_open ON exceptions (created_at_ms, id) WHERE resolved_at_ms IS NULL;

CREATE INDEX exceptions_resolved ON exceptions (created_at_ms, id) WHERE resolved_at_ms IS NOT NULL;

CREATE INDEX exceptions_of_packet ON exceptions (packet);

CREATE INDEX packets_frozen ON packets (frozen_at_ms) WHERE frozen_at_ms IS NOT NULL;

-- Switches; a name that has no row is on.
CREATE TABLE switches (
  name  text PRIMARY KEY,
  is_on boolean NOT NULL
);

-- Who may not send or grab.
CREATE TABLE blacklist (
  "user"   text COLLATE "C" PRIMARY KEY,
  reason   text NOT NULL,
  operator text NOT NULL,
  at_ms    bigint NOT NULL
);

-- What a risk rule saw, whether or not it refused.
CREATE TABLE risk_events (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rule   text NOT NULL,
  "user" text NOT NULL,
  packet text,
  action text NOT NULL,
  detail text NOT NULL,
  at_ms  bigint NOT NULL
);

-- Whether an act is still to be done.
CREATE FUNCTION is_to_do(act text, subject text, reason text, detail jsonb) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE is_to_do.act
    WHEN 'deposit' THEN NOT EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || is_to_do.subject)
    WHEN 'switch' THEN ((is_to_do.detail ->> 'is_on')::int = 1) <>
      COALESCE((SELECT s.is_on FROM switches s WHERE s.name = is_to_do.subject), true)
    WHEN 'block' THEN NOT EXISTS (SELECT 1 FROM blacklist b
                                  WHERE b."user" = is_to_do.subject AND b.reason = is_to_do.reason)
    WHEN 'unblock' THEN EXISTS (SELECT 1 FROM blacklist b WHERE b."user" = is_to_do.subject)
    ELSE EXISTS (SELECT 1 FROM exceptions e WHERE e.id = is_to_do.subject AND e.resolved_at_ms IS NULL) END
$$;

-- Settles a recorded entry again, by the rules of the first time; or lets the refunds of a packet go on whose books
-- were found sound. Answers whether the exception is resolved by it.
CREATE FUNCTION retry(detail jsonb, now_ms bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  entry journal_entry := jsonb_populate_record(NULL::journal_entry, detail);
  at packets;
BEGIN
  IF entry.kind = 'drift' THEN
    IF (detail ->> 'is_sound')::int <> 1 THEN
      RETURN false;
    END IF;
    UPDATE packets SET frozen_at_ms = NULL WHERE id = entry.packet RETURNING * INTO at;
    IF at.closed_opened IS NOT NULL THEN
      -- The close again: the refund that waited for it is made now.
      PERFORM settle_together(ARRAY[ROW('', 'close', at.id, NULL, NULL, NULL, at.closed_at_ms, at.closed_opened,
                                        '')::journal_entry]);
    END IF;
    RETURN true;
  END IF;
  PERFORM settle(jsonb_build_array(detail)::text, now_ms);
  RETURN CASE entry.kind
    WHEN 'load' THEN EXISTS (SELECT 1 FROM packets WHERE id = entry.packet AND is_loaded)
    WHEN 'open' THEN EXISTS (SELECT 1 FROM claims
                             WHERE packet = entry.packet AND seq = entry.seq AND "user" = entry."user")
    WHEN 'close' THEN EXISTS (SELECT 1 FROM packets WHERE id = entry.packet AND closed_opened = entry.opened)
    ELSE false END;
END $$;

-- An operator's act, unless it was done already. Every act inserts the next number before it changes anything: of two
-- at once, one waits there and then finds its number taken, so what an act has read stays true.
CREATE FUNCTION act(
  number bigint, at_ms bigint, operator text, act text, subject text, amount_fen bigint, reason text, detail text,
  previous_hash text, hash text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_variable
DECLARE
  said jsonb := detail::jsonb;
  head record;
  held bigint;
  is_done boolean := true;
BEGIN
  IF NOT is_to_do(act, subject, reason, said) THEN
    RETURN false;
  END IF;
  SELECT a.number, a.hash INTO head FROM audit a ORDER BY a.number DESC LIMIT 1;
  IF number <> COALESCE(head.number, 0) + 1 OR previous_hash <> COALESCE(head.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'audit_moved';
  END IF;
  INSERT INTO audit VALUES (number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash);
  CASE act
    WHEN 'deposit' THEN
      INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
        VALUES ('deposit:' || subject, 'world', 'wallet:' || (said ->> 'user'), amount_fen, at_ms);
      RETURN true;
    WHEN 'switch' THEN
      INSERT INTO switches VALUES (subject, (said ->> 'is_on')::int = 1)
        ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on;
      RETURN true;
    WHEN 'block' THEN
      INSERT INTO blacklist VALUES (subject, reason, operator, at_ms)
        ON CONFLICT ("user") DO UPDATE SET reason = excluded.reason, operator = excluded.operator, at_ms = excluded.at_ms;
      RETURN true;
    WHEN 'unblock' THEN
      DELETE FROM blacklist b WHERE b."user" = subject;
      RETURN true;
    WHEN 'retry' THEN
      is_done := retry(said, at_ms);
    WHEN 'compensate' THEN
      -- From suspense. What it lacks, the world gives in the same step, so that every loss stands in the books
      -- twice: what it cost, and whom it was paid. Never from a packet's escrow.
      PERFORM lock_accounts(ARRAY['suspense', 'wallet:' || (said ->> 'user'), 'world']);
      SELECT a.balance_fen INTO held FROM accounts a WHERE a.id = 'suspense';
      -- Two statements: the money is in suspense before it leaves.
      INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
        SELECT 'cover:' || subject, 'world', 'suspense', amount_fen - held, at_ms WHERE held < amount_fen;
      INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
        VALUES ('compensate:' || subject, 'suspense', 'wallet:' || (said ->> 'user'), amount_fen, at_ms);
    WHEN 'dismiss' THEN
      NULL; -- Nothing is owed to anybody. A frozen packet stays frozen.
  END CASE;
  IF is_done THEN
    UPDATE exceptions e SET resolved_at_ms = at_ms, resolution = act, audit_number = number
      WHERE e.id = subject AND e.resolved_at_ms IS NULL;
  END IF;
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION act, retry, is_to_do, audit_stays FROM PUBLIC;

GRANT EXECUTE ON FUNCTION act TO hongbao_app;

GRANT SELECT ON audit, switches, blacklist, risk_events TO hongbao_app;

GRANT INSERT ON risk_events TO hongbao_app;
