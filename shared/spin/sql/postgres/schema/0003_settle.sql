-- Settling: the journal of a shard becomes claims and postings, a batch at a time.

-- One entry of the journal, as `Settlement` in ledger.rs.
CREATE TYPE journal_entry AS (
  event text, kind text, packet text, seq bigint, "user" text, amount_fen bigint, at_ms bigint, opened bigint,
  text text
);

-- The packets of a batch about which the order of its entries decides something, or an exception has to be noted.
-- About all others the entries agree with each other and with the books, so that they can be settled together.
--
-- Planned once a session, when the tables may still be empty. So that the plan is good for any size, there is but one:
-- each entry looks up its claims, then each packet of the batch its row and its escrow, by index (a LATERAL with a
-- LIMIT can be done in no other order).
CREATE FUNCTION contradicted(entries journal_entry[]) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT COALESCE(array_agg(b.packet), '{}')
    FROM (
      SELECT e.packet, bool_or(e.kind NOT IN ('load', 'open', 'close')) AS is_odd,
             -- Opens that are not paid yet, and whether the share or the user has a claim nevertheless.
             COUNT(*) FILTER (WHERE is_fresh) AS opens, COUNT(DISTINCT e.seq) FILTER (WHERE is_fresh) AS shares,
             COUNT(DISTINCT e."user") FILTER (WHERE is_fresh) AS users,
             COUNT(e.amount_fen) FILTER (WHERE is_fresh) AS amounts, SUM(e.amount_fen) FILTER (WHERE is_fresh) AS fen,
             bool_or(of_share."user" IS NOT NULL OR of_user.seq IS NOT NULL) FILTER (WHERE is_fresh) AS is_claimed,
             MIN(e.opened) FILTER (WHERE e.kind = 'close') AS closed_opened,
             MAX(e.opened) FILTER (WHERE e.kind = 'close') AS most_opened
      FROM unnest(entries) e
        LEFT JOIN LATERAL (SELECT c."user" FROM claims c WHERE c.packet = e.packet AND c.seq = e.seq LIMIT 1) of_share
          ON true
        LEFT JOIN LATERAL (SELECT c.seq FROM claims c WHERE c.packet = e.packet AND c."user" = e."user" LIMIT 1) of_user
          ON true
        CROSS JOIN LATERAL (SELECT e.kind = 'open' AND of_share."user" IS DISTINCT FROM e."user" AS is_fresh) new
      GROUP BY e.packet
    ) b
      LEFT JOIN LATERAL (SELECT id, settled, closed_opened FROM packets WHERE id = b.packet LIMIT 1) p ON true
      LEFT JOIN LATERAL (SELECT balance_fen FROM accounts WHERE id = 'packet:' || b.packet LIMIT 1) escrow ON true
    WHERE p.id IS NULL OR b.is_odd
      -- Two opens of one share or by one user; a share outside the packet; more than the escrow holds.
      OR b.is_claimed OR b.shares < b.opens OR b.users < b.opens OR b.amounts < b.opens OR b.fen > escrow.balance_fen
      -- Two closes that differ; more opens than the close counted, of which the first come first.
      OR b.closed_opened <> b.most_opened OR b.closed_opened <> p.closed_opened
      OR p.settled + b.opens > COALESCE(p.closed_opened, b.closed_opened)
  );
END $$;

-- The books of a subject (a packet or an account) contradict themselves. The packet's refund stops until an operator
-- has looked. One exception a subject, until a retry has found it sound.
CREATE FUNCTION drift(subject text, packet text, evidence text, now_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_drift:' || drift.subject || ':' || earlier, drift.packet, 'drift', drift.evidence, drift.now_ms
    FROM (SELECT COUNT(*) AS earlier,
                 COUNT(*) FILTER (WHERE resolved_at_ms IS NULL OR resolution <> 'retry') AS standing
          FROM exceptions
          WHERE id > 'ex_drift:' || drift.subject || ':' AND id < 'ex_drift:' || drift.subject || ';') found
    WHERE standing = 0
    ON CONFLICT DO NOTHING;
  UPDATE packets SET frozen_at_ms = drift.now_ms WHERE id = drift.subject AND frozen_at_ms IS NULL;
  RETURN FOUND;
END $$;

-- Settles entries of which at most one a packet contradicts anything. The caller has locked the packets.
CREATE FUNCTION settle_together(entries journal_entry[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  changed record;
BEGIN
  FOR changed IN
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
      SELECT p.id, p.sender, p.count, COALESCE(shares.paid, 0) AS paid,
             p.settled + COALESCE(shares.paid, 0) AS settled,
             p.is_loaded OR said.is_loaded AS is_loaded,
             COALESCE(p.closed_at_ms, said.closed_at_ms) AS closed_at_ms,
             COALESCE(p.closed_opened, said.closed_opened) AS closed_opened,
             p.refunded_fen IS NULL AND p.frozen_at_ms IS NULL AS may_refund,
             p.total_fen - COALESCE(shares.fen, 0) AS total_left_fen,
             escrow.balance_fen - COALESCE(shares.fen, 0) AS escrow_fen
      FROM said
        JOIN packets p ON p.id = said.packet
        JOIN accounts escrow ON escrow.id = 'packet:' || said.packet
        LEFT JOIN shares ON shares.packet = said.packet
    ),
    -- The refund: what the escrow still holds, once, when as many shares are settled as were opened at the close. It
    -- has to be what the claims have left of the total (`claims` is still without those of this statement).
    refund AS (
      SELECT id, sender, escrow_fen, closed_at_ms,
             total_left_fen - COALESCE((SELECT SUM(amount_fen) FROM claims WHERE packet = id), 0) AS left_fen
      FROM becomes WHERE may_refund AND closed_opened = settled AND settled < count
    ),
    written AS (
      UPDATE packets p
      SET settled = b.settled, is_loaded = b.is_loaded, closed_at_ms = b.closed_at_ms, closed_opened = b.closed_opened,
          refunded_fen = COALESCE(p.refunded_fen, refund.escrow_fen)
      FROM becomes b LEFT JOIN refund ON refund.id = b.id AND refund.escrow_fen = refund.left_fen
      WHERE p.id = b.id AND (b.paid > 0 OR refund.id IS NOT NULL
        OR p.is_loaded <> b.is_loaded OR p.closed_at_ms IS DISTINCT FROM b.closed_at_ms)
    ),
    -- A claim is a payout: one cannot exist without the other. One statement, so that every account is locked once.
    posted AS (
      INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
      SELECT 'open:' || packet || ':' || seq, 'packet:' || packet, 'wallet:' || "user", amount_fen, opened_at_ms
      FROM paid
      UNION ALL
      SELECT 'refund:' || id, 'packet:' || id, 'wallet:' || sender, escrow_fen, closed_at_ms
      FROM refund WHERE escrow_fen = left_fen
    )
    SELECT b.id, b.paid > 0 AND b.settled = b.count AS is_finished,
           refund.escrow_fen, refund.left_fen, refund.closed_at_ms
    FROM becomes b LEFT JOIN refund ON refund.id = b.id
    WHERE b.paid > 0 AND b.settled = b.count OR refund.escrow_fen <> refund.left_fen
  LOOP
    IF changed.is_finished THEN
      -- Best luck, once every share is settled; the earliest share wins a tie.
      UPDATE claims SET is_best = true WHERE packet = changed.id
        AND seq = (SELECT seq FROM claims WHERE packet = changed.id ORDER BY amount_fen DESC, seq LIMIT 1);
    ELSE
      PERFORM drift(changed.id, changed.id, format('the escrow holds %s fen, the claims left %s',
                                                   changed.escrow_fen, changed.left_fen), changed.closed_at_ms);
    END IF;
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
    -- A receipt whose share somebody else has: for an operator to decide.
    WHEN entry.kind = 'contest' THEN 'voucher_contested'
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
-- exceptions. The plans use indexes whatever the statistics say: a batch is small beside the tables.
CREATE FUNCTION settle(batch text, now_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s'
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  entries journal_entry[] := ARRAY(SELECT e FROM json_populate_recordset(NULL::journal_entry, batch::json) e);
  entry journal_entry;
  ordered text[];
BEGIN
  -- The first entry is a fence: a batch read under another epoch or from another server process is too late.
  FOR entry IN SELECT * FROM unnest(entries) e WHERE e.kind = 'fence' LOOP
    PERFORM 1 FROM shards WHERE shard = entry.packet::bigint AND epoch = entry.opened AND run_id = entry.text
      FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'epoch_is_over';
    END IF;
    UPDATE shards SET settled_ms = entry.at_ms, settled_number = entry.seq
      WHERE shard = entry.packet::bigint AND (settled_ms, settled_number) < (entry.at_ms, entry.seq);
  END LOOP;
  entries := ARRAY(SELECT e FROM unnest(entries) e WHERE e.kind <> 'fence');

  -- One batch at a time for each packet, and one order of locks for all: packets by id, then accounts by id.
  PERFORM 1 FROM packets WHERE id IN (SELECT packet FROM unnest(entries)) ORDER BY id FOR NO KEY UPDATE;
  ordered := contradicted(entries);
  IF ordered = '{}' THEN
    PERFORM settle_together(entries);
    RETURN cardinality(entries);
  END IF;
  PERFORM lock_accounts(ARRAY(
    SELECT unnest(ARRAY['packet:' || id, 'wallet:' || sender]) FROM packets
    WHERE id IN (SELECT packet FROM unnest(entries))
    UNION
    SELECT 'wallet:' || e."user" FROM unnest(entries) e JOIN packets ON packets.id = e.packet WHERE e.kind = 'open'));
  PERFORM settle_together(ARRAY(SELECT e FROM unnest(entries) e WHERE e.packet <> ALL (ordered)));
  FOREACH entry IN ARRAY entries LOOP
    IF entry.packet = ANY (ordered) THEN
      PERFORM settle_alone(entry, now_ms);
    END IF;
  END LOOP;
  RETURN cardinality(entries);
END $$;

-- Gives up the opens that closed packets of a shard still wait for. What is known of them is on record, and the
-- refund no longer waits.
CREATE FUNCTION forgo_lost(shard bigint, epoch bigint, now_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  at packets;
  waiting text[] := ARRAY(SELECT p.id FROM packets p WHERE p.shard = forgo_lost.shard AND p.closed_opened > p.settled
                          ORDER BY p.id FOR NO KEY UPDATE);
BEGIN
  PERFORM lock_accounts(ARRAY(SELECT unnest(ARRAY['packet:' || p.id, 'wallet:' || p.sender]) FROM packets p
                              WHERE p.id = ANY (waiting)));
  FOR at IN SELECT p.* FROM packets p WHERE p.id = ANY (waiting) LOOP
    INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
      VALUES ('ex_lost:' || at.id || ':' || forgo_lost.epoch, at.id, 'opens_lost',
              format('closed with %s shares opened, of which %s are settled', at.closed_opened, at.settled),
              forgo_lost.now_ms);
    UPDATE packets p SET closed_opened = p.settled WHERE p.id = at.id;
    -- The close again: the refund that waited is made now.
    PERFORM settle_together(ARRAY[ROW('', 'close', at.id, NULL, NULL, NULL, at.closed_at_ms, at.settled,
                                      '')::journal_entry]);
  END LOOP;
  RETURN cardinality(waiting);
END $$;
