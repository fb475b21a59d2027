-- Packets whose time is over and that nobody has closed yet, the longest overdue first; none of the shards that are
-- away (?3: a JSON list), for whose packets nothing can be done now.
SELECT id FROM packets WHERE closed_at_ms IS NULL AND settled < count AND expires_at_ms <= ?1
  AND shard NOT IN (SELECT value FROM json_each(?3))
ORDER BY expires_at_ms LIMIT ?2
