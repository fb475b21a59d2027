-- The money steps. Each is one function, called by one statement, so one transaction; the application has no
-- other way to money (0003_rights.sql).

-- Money from outside. Doing it twice is doing it once; the same id with other content is a conflict.
CREATE FUNCTION deposit(id text, "user" text, amount_fen bigint, at_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('deposit:' || deposit.id, 'world', 'wallet:' || deposit."user", deposit.amount_fen, deposit.at_ms)
    ON CONFLICT (id) DO NOTHING;
  IF FOUND THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || deposit.id
             AND (credit <> 'wallet:' || deposit."user" OR amount_fen <> deposit.amount_fen)) THEN
    RAISE EXCEPTION 'deposit_conflict';
  END IF;
  RETURN false;
END $$;

-- Send a packet. The escrow is funded and the packet exists, or neither; a second time changes nothing.
CREATE FUNCTION fund(
  id text, sender text, kind text, total_fen bigint, count bigint, recipient text, greeting text, cover text,
  password_mac text, seed bytea, created_at_ms bigint, starts_at_ms bigint, expires_at_ms bigint, shard bigint,
  day_starts_at_ms bigint, day_fen_max bigint, day_count_max bigint
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  sent_fen bigint;
  sent bigint;
BEGIN
  -- The wallet's lock lets one packet of a sender through at a time: what is read below stays true.
  PERFORM 1 FROM accounts WHERE id = 'wallet:' || fund.sender FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM packets WHERE id = fund.id) THEN
    RETURN false;
  END IF;
  SELECT COALESCE(SUM(total_fen), 0), COUNT(*) INTO sent_fen, sent
    FROM packets WHERE sender = fund.sender AND created_at_ms >= fund.day_starts_at_ms;
  IF sent_fen + fund.total_fen > fund.day_fen_max THEN
    RAISE EXCEPTION 'limit_daily_send_fen';
  ELSIF sent + 1 > fund.day_count_max THEN
    RAISE EXCEPTION 'limit_daily_send_count';
  END IF;
  INSERT INTO packets (id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
                       created_at_ms, starts_at_ms, expires_at_ms, shard)
    VALUES (fund.id, fund.sender, fund.kind, fund.total_fen, fund.count, fund.recipient, fund.greeting, fund.cover,
            fund.password_mac, fund.seed, fund.created_at_ms, fund.starts_at_ms, fund.expires_at_ms, fund.shard);
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('fund:' || fund.id, 'wallet:' || fund.sender, 'packet:' || fund.id, fund.total_fen, fund.created_at_ms);
  RETURN true;
END $$;

-- One entry of the journal.
CREATE TYPE journal_entry AS (
  event text, kind text, packet text, seq bigint, "user" text, amount_fen bigint, at_ms bigint, opened bigint,
  text text
);

-- The packets of a batch about which the order of its entries decides something, or which are unknown. About all
-- others the entries agree with each other and with the books, so that they can be settled together.
CREATE FUNCTION contradicted(entries journal_entry[]) RETURNS text[] LANGUAGE sql AS $$
  WITH entry AS (SELECT * FROM unnest(entries)),
  -- Opens that are not paid yet, and whether the share or the user has a claim nevertheless.
  fresh AS (
    SELECT e.packet, COUNT(*) AS opens, COUNT(DISTINCT e.seq) AS shares, COUNT(DISTINCT e."user") AS users,
           COUNT(e.amount_fen) AS amounts, SUM(e.amount_fen) AS fen,
           bool_or(of_share.packet IS NOT NULL OR of_user.packet IS NOT NULL) AS is_claimed
    FROM entry e
      LEFT JOIN claims of_share ON of_share.packet = e.packet AND of_share.seq = e.seq
      LEFT JOIN claims of_user ON of_user.packet = e.packet AND of_user."user" = e."user"
    WHERE e.kind = 'open' AND of_share."user" IS DISTINCT FROM e."user"
    GROUP BY e.packet
  ),
  closes AS (SELECT packet, MIN(opened) AS opened, MAX(opened) AS most FROM entry WHERE kind = 'close' GROUP BY packet)
  SELECT COALESCE(array_agg(b.packet), '{}')
  FROM (SELECT DISTINCT packet FROM entry) b
    LEFT JOIN packets p ON p.id = b.packet
    LEFT JOIN accounts escrow ON escrow.id = 'packet:' || b.packet
    LEFT JOIN fresh f ON f.packet = b.packet
    LEFT JOIN closes c ON c.packet = b.packet
  WHERE p.id IS NULL
    -- Two opens of one share or by one user; a share outside the packet; more than the escrow holds.
    OR f.is_claimed OR f.shares < f.opens OR f.users < f.opens OR f.amounts < f.opens OR f.fen > escrow.balance_fen
    -- Two closes that differ; more opens than the close counted, of which the first come first.
    OR c.opened <> c.most OR c.opened <> p.closed_opened
    OR p.settled + COALESCE(f.opens, 0) > COALESCE(p.closed_opened, c.opened)
$$;

-- Settles entries of which at most one a packet can contradict anything.
CREATE FUNCTION settle_together(entries journal_entry[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  finished text[];
  done text;
BEGIN
  WITH entry AS (SELECT * FROM unnest(entries) WITH ORDINALITY),
  -- A share that is claimed, a user who has one and an escrow that holds too little are left out here.
  paid AS (
    INSERT INTO claims (packet, seq, "user", amount_fen, opened_at_ms)
    SELECT e.packet, e.seq, e."user", e.amount_fen, e.at_ms
    FROM entry e JOIN accounts escrow ON escrow.id = 'packet:' || e.packet
    WHERE e.kind = 'open' AND escrow.balance_fen >= e.amount_fen
    ORDER BY e.ordinality
    ON CONFLICT DO NOTHING
    RETURNING packet, seq, "user", amount_fen, opened_at_ms
  ),
  -- One row a packet: what the entries say about it, and what that makes of it.
  said AS (
    SELECT packet, bool_or(kind = 'load') AS is_loaded,
           (array_agg(at_ms ORDER BY ordinality) FILTER (WHERE kind = 'close'))[1] AS closed_at_ms,
           (array_agg(opened ORDER BY ordinality) FILTER (WHERE kind = 'close'))[1] AS closed_opened
    FROM entry GROUP BY packet
  ),
  shares AS (SELECT packet, COUNT(*) AS paid, SUM(amount_fen)::bigint AS fen FROM paid GROUP BY packet),
  becomes AS (
    SELECT p.id, p.sender, p.count, p.refunded_fen, COALESCE(shares.paid, 0) AS paid,
           p.settled + COALESCE(shares.paid, 0) AS settled,
           p.is_loaded OR said.is_loaded AS is_loaded,
           COALESCE(p.closed_at_ms, said.closed_at_ms) AS closed_at_ms,
           COALESCE(p.closed_opened, said.closed_opened) AS closed_opened,
           escrow.balance_fen - COALESCE(shares.fen, 0) AS escrow_fen
    FROM said
      JOIN packets p ON p.id = said.packet
      JOIN accounts escrow ON escrow.id = 'packet:' || said.packet
      LEFT JOIN shares ON shares.packet = said.packet
  ),
  -- The refund: what the escrow still holds, once, when as many shares are settled as were opened at the close.
  refund AS (
    SELECT id, sender, escrow_fen, closed_at_ms FROM becomes
    WHERE closed_opened = settled AND settled < count AND refunded_fen IS NULL AND escrow_fen > 0
  ),
  written AS (
    UPDATE packets p
    SET settled = b.settled, is_loaded = b.is_loaded, closed_at_ms = b.closed_at_ms,
        closed_opened = b.closed_opened, refunded_fen = COALESCE(p.refunded_fen, refund.escrow_fen)
    FROM becomes b LEFT JOIN refund ON refund.id = b.id
    WHERE p.id = b.id
      AND (p.settled, p.is_loaded, p.closed_at_ms) IS DISTINCT FROM (b.settled, b.is_loaded, b.closed_at_ms)
  ),
  -- A claim is a payout: one cannot exist without the other. One statement, so that every account is locked once.
  posted AS (
    INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    SELECT 'open:' || packet || ':' || seq, 'packet:' || packet, 'wallet:' || "user", amount_fen, opened_at_ms
    FROM paid
    UNION ALL
    SELECT 'refund:' || id, 'packet:' || id, 'wallet:' || sender, escrow_fen, closed_at_ms FROM refund
  )
  SELECT COALESCE(array_agg(id), '{}') INTO finished FROM becomes WHERE paid > 0 AND settled = count;

  -- Best luck, once every share is settled; the earliest share wins a tie.
  FOREACH done IN ARRAY finished LOOP
    UPDATE claims SET is_best = true WHERE packet = done
      AND seq = (SELECT seq FROM claims WHERE packet = done ORDER BY amount_fen DESC, seq LIMIT 1);
  END LOOP;
END $$;

-- Settles one entry and notes why, where it could not be.
CREATE FUNCTION settle_alone(entry journal_entry, now_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  reason text;
BEGIN
  PERFORM settle_together(ARRAY[entry]);
  reason := CASE
    WHEN entry.kind = 'poison' THEN 'poison'
    WHEN entry.kind NOT IN ('open', 'close') THEN NULL
    WHEN NOT EXISTS (SELECT 1 FROM packets WHERE id = entry.packet) THEN 'unknown_packet'
    WHEN entry.kind = 'close' THEN
      CASE WHEN NOT EXISTS (SELECT 1 FROM packets WHERE id = entry.packet AND closed_opened = entry.opened)
           THEN 'closed_twice' END
    WHEN EXISTS (SELECT 1 FROM claims WHERE packet = entry.packet AND seq = entry.seq AND "user" = entry."user") THEN NULL
    WHEN EXISTS (SELECT 1 FROM claims WHERE packet = entry.packet AND seq = entry.seq) THEN 'share_claimed_twice'
    WHEN EXISTS (SELECT 1 FROM claims WHERE packet = entry.packet AND "user" = entry."user") THEN 'user_claimed_twice'
    ELSE 'escrow_empty'
  END;
  IF reason IS NOT NULL THEN
    INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
      VALUES ('ex_' || entry.event, entry.packet, reason, entry.text, now_ms) ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Settle one batch of the journal (a JSON list of entries). A contradiction never stops the batch: it goes to
-- exceptions.
CREATE FUNCTION settle(batch text, now_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s'
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  entries journal_entry[] := ARRAY(SELECT e FROM json_populate_recordset(NULL::journal_entry, batch::json) e);
  ordered text[];
  entry journal_entry;
BEGIN
  -- One batch at a time for each packet, and one order for all batches: packets by id, then accounts by id.
  PERFORM 1 FROM packets WHERE id IN (SELECT packet FROM unnest(entries)) ORDER BY id FOR NO KEY UPDATE;
  ordered := contradicted(entries);
  IF ordered = '{}' THEN
    PERFORM settle_together(entries);
    RETURN cardinality(entries);
  END IF;
  PERFORM lock_accounts(ARRAY(
    SELECT 'packet:' || id FROM packets WHERE id IN (SELECT packet FROM unnest(entries))
    UNION SELECT 'wallet:' || sender FROM packets WHERE id IN (SELECT packet FROM unnest(entries))
    UNION SELECT 'wallet:' || e."user" FROM unnest(entries) e JOIN packets ON packets.id = e.packet WHERE e.kind = 'open'));
  PERFORM settle_together(ARRAY(SELECT e FROM unnest(entries) e WHERE e.packet <> ALL (ordered)));
  FOREACH entry IN ARRAY entries LOOP
    IF entry.packet = ANY (ordered) THEN
      PERFORM settle_alone(entry, now_ms);
    END IF;
  END LOOP;
  RETURN cardinality(entries);
END $$;
