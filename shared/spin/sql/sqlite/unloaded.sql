-- Funded packets that no shard has confirmed: whoever sent them stopped half way.
SELECT id FROM packets WHERE is_loaded = 0 AND shard >= 0 AND created_at_ms <= ?1 ORDER BY created_at_ms LIMIT ?2
