-- Shards that are open before all their packets are back in the race.

-- Under a new epoch the sweep puts packets back in the order of their ids: up to this one (NULL: all are back), how
-- many so far, and how many there were to put back.
ALTER TABLE shards ADD COLUMN refill_after TEXT;

ALTER TABLE shards ADD COLUMN refilled INTEGER NOT NULL DEFAULT 0;

ALTER TABLE shards ADD COLUMN to_refill INTEGER NOT NULL DEFAULT 0;

-- What a shard has to hold, however much it has held before; all that counting it needs.
CREATE INDEX packets_running ON packets (shard, id, closed_at_ms, settled, count) WHERE closed_at_ms IS NULL AND settled < count;

-- Closed packets that wait for opens, among few others.
CREATE INDEX packets_unrefunded ON packets (shard) WHERE closed_at_ms IS NOT NULL AND refunded_fen IS NULL;

-- As in 0003, by that index: this stands behind the fence.
DROP TRIGGER forgo_lost_do;

CREATE TRIGGER forgo_lost_do INSTEAD OF INSERT ON forgo_lost BEGIN
  INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_lost:' || id || ':' || NEW.epoch, id, 'opens_lost',
           'closed with ' || closed_opened || ' shares opened, of which ' || settled || ' are settled', NEW.now_ms
    FROM packets WHERE shard = NEW.shard AND closed_at_ms IS NOT NULL AND refunded_fen IS NULL
      AND closed_opened > settled;
  UPDATE packets SET closed_opened = settled WHERE shard = NEW.shard AND closed_at_ms IS NOT NULL
    AND refunded_fen IS NULL AND closed_opened > settled;
END;
