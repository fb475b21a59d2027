-- Shards that are not among those configured (?1: a JSON list) and have packets to hold: how many, counted up to ?2.
SELECT s.shard, (SELECT COUNT(*) FROM (SELECT 1 FROM packets p WHERE p.shard = s.shard AND p.closed_at_ms IS NULL
                                         AND p.settled < p.count LIMIT ?2))
FROM shards s
WHERE s.shard NOT IN (SELECT value FROM json_each(?1))
  AND EXISTS (SELECT 1 FROM packets p WHERE p.shard = s.shard AND p.closed_at_ms IS NULL AND p.settled < p.count)
ORDER BY s.shard
