-- Moves what a dead shard held to SQL authority, under the next epoch, so that the shard is fenced when it returns.
UPDATE packets SET shard = -1
WHERE shard = ?1 AND closed_at_ms IS NULL AND settled < count
