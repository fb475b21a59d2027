-- Best luck, and the order in which this ledger hands out shares.

-- Best luck, once every share of a lucky packet of two or more is settled: the largest; of equals the one opened first,
-- then the lower number (core, luck.rs). What was marked by an earlier rule stays as it was told.
DROP TRIGGER packets_best;

CREATE TRIGGER packets_best AFTER UPDATE OF settled ON packets
WHEN NEW.settled = NEW.count AND OLD.settled < NEW.count AND NEW.kind = 'lucky' AND NEW.count >= 2 BEGIN
  UPDATE claims SET is_best = 1 WHERE packet = NEW.id
    AND seq = (SELECT seq FROM claims WHERE packet = NEW.id ORDER BY amount_fen DESC, opened_at_ms, seq LIMIT 1);
END;

-- Whether a shard handed out shares of the packet before it came here: then there are vouchers with low numbers that
-- this ledger does not know of.
ALTER TABLE packets ADD COLUMN is_moved INTEGER NOT NULL DEFAULT 0;

-- Of those that are here already nobody knows which were sent here.
UPDATE packets SET is_moved = 1 WHERE shard = -1;

CREATE TRIGGER packets_move AFTER UPDATE OF shard ON packets WHEN NEW.shard = -1 AND OLD.shard <> -1 BEGIN
  UPDATE packets SET is_moved = 1 WHERE id = NEW.id;
END;

-- Procedure: grab under SQL authority, by the rules of grab.lua. Doing it again changes nothing.
DROP TRIGGER grab_in_sql_do;

CREATE TRIGGER grab_in_sql_do INSTEAD OF INSERT ON grab_in_sql
WHEN NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND user = NEW.user)
 AND NOT EXISTS (SELECT 1 FROM grabs WHERE packet = NEW.packet AND user = NEW.user) BEGIN
  SELECT CASE WHEN shard <> -1 THEN RAISE(ABORT, 'not_sql_authority')
              WHEN NEW.now_ms < starts_at_ms THEN RAISE(ABORT, 'not_started')
              WHEN count <= (SELECT COUNT(*) FROM (SELECT seq FROM claims WHERE packet = NEW.packet
                                                   UNION SELECT seq FROM grabs WHERE packet = NEW.packet))
                THEN RAISE(ABORT, 'sold_out')
              WHEN closed_at_ms IS NOT NULL OR NEW.now_ms >= expires_at_ms THEN RAISE(ABORT, 'packet_expired') END
    FROM packets WHERE id = NEW.packet;
  -- In the order of the grabs: of an equal packet the odd fen are in the first shares.
  INSERT INTO grabs (packet, seq, user)
    SELECT NEW.packet, MAX(COALESCE((SELECT MAX(seq) FROM grabs WHERE packet = NEW.packet), -1),
                           COALESCE((SELECT MAX(seq) FROM claims WHERE packet = NEW.packet), -1)) + 1, NEW.user
    FROM packets WHERE id = NEW.packet AND is_moved = 0;
  -- From the top, since vouchers that a lost shard gave have low numbers.
  INSERT INTO grabs (packet, seq, user)
    SELECT NEW.packet, MIN(seq), NEW.user FROM (
      WITH RECURSIVE free (seq) AS (
        SELECT count - 1 FROM packets WHERE id = NEW.packet AND is_moved = 1
        UNION ALL
        SELECT seq - 1 FROM free WHERE EXISTS (SELECT 1 FROM claims c WHERE c.packet = NEW.packet AND c.seq = free.seq)
                                    OR EXISTS (SELECT 1 FROM grabs g WHERE g.packet = NEW.packet AND g.seq = free.seq))
      SELECT seq FROM free)
    HAVING MIN(seq) >= 0;
END;
