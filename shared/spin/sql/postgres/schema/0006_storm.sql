-- What operators set while the system runs, shards that are given up, and what risk rules saw.

-- Settings: the ladder's level, the weights of shards, risk rules. A name that has no row is at its default.
CREATE TABLE settings (
  name  text PRIMARY KEY,
  value text NOT NULL
);

GRANT SELECT ON settings TO hongbao_app;

-- The journal's entry that told of it: an entry settled again adds no row.
ALTER TABLE risk_events ADD COLUMN event text UNIQUE;

-- What the sweep makes sure of ahead of its start: packets that open later than they were sent.
CREATE INDEX packets_scheduled ON packets (starts_at_ms) WHERE starts_at_ms > created_at_ms;

-- Whether an act is still to be done.
CREATE OR REPLACE FUNCTION is_to_do(act text, subject text, reason text, detail jsonb) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT CASE is_to_do.act
    WHEN 'deposit' THEN NOT EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || is_to_do.subject)
    WHEN 'switch' THEN ((is_to_do.detail ->> 'is_on')::int = 1) <>
      COALESCE((SELECT s.is_on FROM switches s WHERE s.name = is_to_do.subject), true)
    WHEN 'set' THEN NOT EXISTS (SELECT 1 FROM settings s
                                WHERE s.name = is_to_do.subject AND s.value = is_to_do.detail ->> 'value')
    WHEN 'move_shard' THEN EXISTS (SELECT 1 FROM packets p WHERE p.shard = is_to_do.subject::bigint AND p.is_running)
    WHEN 'block' THEN NOT EXISTS (SELECT 1 FROM blacklist b
                                  WHERE b."user" = is_to_do.subject AND b.reason = is_to_do.reason)
    WHEN 'unblock' THEN EXISTS (SELECT 1 FROM blacklist b WHERE b."user" = is_to_do.subject)
    ELSE EXISTS (SELECT 1 FROM exceptions e WHERE e.id = is_to_do.subject AND e.resolved_at_ms IS NULL) END
$$;

-- The acts of 0005 are done there; these are done here.
ALTER FUNCTION act(bigint, bigint, text, text, text, bigint, text, text, text, text) RENAME TO act_on_money;

-- An operator's act, unless it was done already, by the rules of act_on_money.
CREATE FUNCTION act(
  number bigint, at_ms bigint, operator text, act text, subject text, amount_fen bigint, reason text, detail text,
  previous_hash text, hash text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_variable
DECLARE
  said jsonb := detail::jsonb;
  head record;
BEGIN
  IF act NOT IN ('set', 'move_shard') THEN
    RETURN act_on_money(number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash);
  ELSIF NOT is_to_do(act, subject, reason, said) THEN
    RETURN false;
  END IF;
  SELECT a.number, a.hash INTO head FROM audit a ORDER BY a.number DESC LIMIT 1;
  IF number <> COALESCE(head.number, 0) + 1 OR previous_hash <> COALESCE(head.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'audit_moved';
  END IF;
  INSERT INTO audit VALUES (number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash);
  IF act = 'set' THEN
    INSERT INTO settings VALUES (subject, said ->> 'value') ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN true;
  END IF;
  -- The packets that a dead shard held live here from now on, under its next epoch, so that the shard is fenced when
  -- it returns. Not while a sweep rebuilds it, and not if it is another one than the operator saw.
  UPDATE shards s SET epoch = GREATEST(s.epoch + 1, at_ms / 1000)
    WHERE s.shard = subject::bigint AND s.epoch = (said ->> 'epoch')::bigint AND s.lease_ms <= at_ms;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'epoch_is_over';
  END IF;
  PERFORM move_to_sql(subject::bigint);
  RETURN true;
END $$;

REVOKE ALL ON FUNCTION act, act_on_money, is_to_do FROM PUBLIC;

REVOKE ALL ON FUNCTION act_on_money FROM hongbao_app;

GRANT EXECUTE ON FUNCTION act TO hongbao_app;
