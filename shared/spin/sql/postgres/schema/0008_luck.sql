-- Best luck, and the order in which this ledger hands out shares.

-- Marks the best luck of a packet, once every share is settled, where it is a lucky packet of two or more: the largest;
-- of equals the one opened first, then the lower number (core, luck.rs). What was marked by an earlier rule stays as it
-- was told.
CREATE FUNCTION mark_best(id text) RETURNS void LANGUAGE sql AS $$
  UPDATE claims SET is_best = true
    WHERE packet = mark_best.id
      AND seq = (SELECT seq FROM claims WHERE packet = mark_best.id ORDER BY amount_fen DESC, opened_at_ms, seq LIMIT 1)
      AND EXISTS (SELECT 1 FROM packets p WHERE p.id = mark_best.id AND p.kind = 'lucky' AND p.count >= 2)
$$;

REVOKE ALL ON FUNCTION mark_best FROM PUBLIC;

-- Settles entries of which at most one a packet contradicts anything. The caller has locked the packets.
CREATE OR REPLACE FUNCTION settle_together(entries journal_entry[]) RETURNS void LANGUAGE plpgsql AS $$
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
      PERFORM mark_best(changed.id);
    ELSE
      PERFORM drift(changed.id, changed.id, format('the escrow holds %s fen, the claims left %s',
                                                   changed.escrow_fen, changed.left_fen), changed.closed_at_ms);
    END IF;
  END LOOP;
END $$;

-- Whether a shard handed out shares of the packet before it came here: then there are vouchers with low numbers that
-- this ledger does not know of.
ALTER TABLE packets ADD COLUMN is_moved boolean NOT NULL DEFAULT false;

-- Of those that are here already nobody knows which were sent here.
UPDATE packets SET is_moved = true WHERE shard = -1;

CREATE FUNCTION packets_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.is_moved := true;
  RETURN NEW;
END $$;

CREATE TRIGGER packets_move BEFORE UPDATE OF shard ON packets
  FOR EACH ROW WHEN (NEW.shard = -1 AND OLD.shard <> -1) EXECUTE FUNCTION packets_move();

REVOKE ALL ON FUNCTION packets_move FROM PUBLIC;

-- Grab under SQL authority, by the rules of grab.lua. Doing it again changes nothing.
CREATE OR REPLACE FUNCTION grab_in_sql(packet text, "user" text, now_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  at packets;
  free_seq bigint;
BEGIN
  -- The packet's lock lets one grab through at a time: what is read below stays true.
  SELECT * INTO at FROM packets WHERE id = grab_in_sql.packet FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM claims WHERE packet = at.id AND "user" = grab_in_sql."user")
     OR EXISTS (SELECT 1 FROM grabs WHERE packet = at.id AND "user" = grab_in_sql."user") THEN
    RETURN false;
  END IF;
  IF at.is_moved THEN
    -- From the top, since vouchers that a lost shard gave have low numbers.
    SELECT MAX(seq) INTO free_seq FROM generate_series(0, at.count - 1) seq
      WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.packet = at.id AND c.seq = seq.seq)
        AND NOT EXISTS (SELECT 1 FROM grabs g WHERE g.packet = at.id AND g.seq = seq.seq);
  ELSE
    -- In the order of the grabs: of an equal packet the odd fen are in the first shares.
    free_seq := GREATEST((SELECT MAX(g.seq) FROM grabs g WHERE g.packet = at.id),
                         (SELECT MAX(c.seq) FROM claims c WHERE c.packet = at.id), -1) + 1;
    free_seq := CASE WHEN free_seq < at.count THEN free_seq END;
  END IF;
  IF at.shard <> -1 THEN
    RAISE EXCEPTION 'not_sql_authority';
  ELSIF now_ms < at.starts_at_ms THEN
    RAISE EXCEPTION 'not_started';
  ELSIF at.id IS NOT NULL AND free_seq IS NULL THEN
    RAISE EXCEPTION 'sold_out';
  ELSIF at.closed_at_ms IS NOT NULL OR now_ms >= at.expires_at_ms THEN
    RAISE EXCEPTION 'packet_expired';
  END IF;
  INSERT INTO grabs (packet, seq, "user") SELECT at.id, free_seq, grab_in_sql."user" WHERE at.id IS NOT NULL;
  RETURN FOUND;
END $$;
