-- Funded packets that no shard has confirmed: whoever sent them stopped half way. None of the shards that are away
-- (?3: a JSON list).
SELECT id FROM packets WHERE is_loaded = 0 AND shard >= 0 AND created_at_ms <= ?1
  AND shard NOT IN (SELECT value FROM json_each(?3))
ORDER BY created_at_ms LIMIT ?2
