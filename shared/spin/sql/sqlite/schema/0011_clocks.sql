-- Times that a clock noted which was ahead.

-- As in 0004: but a lease that ends later than one that begins now (15 s, LEASE_MS in ledger/shards.rs) was taken by a
-- clock that was ahead, and counts for nothing.
DROP TRIGGER audit_move_shard;

CREATE TRIGGER audit_move_shard AFTER INSERT ON audit WHEN NEW.act = 'move_shard' BEGIN
  SELECT RAISE(ABORT, 'epoch_is_over') WHERE NOT EXISTS (
    SELECT 1 FROM shards WHERE shard = CAST(NEW.subject AS INTEGER) AND epoch = NEW.detail ->> 'epoch'
      AND lease_ms NOT BETWEEN NEW.at_ms + 1 AND NEW.at_ms + 15000);
  UPDATE shards SET epoch = MAX(epoch + 1, NEW.at_ms / 1000) WHERE shard = CAST(NEW.subject AS INTEGER);
  UPDATE packets SET shard = -1
    WHERE shard = CAST(NEW.subject AS INTEGER) AND closed_at_ms IS NULL AND settled < count;
END;
