-- Funded packets that no shard has confirmed: whoever sent them stopped half way.
SELECT id FROM packets WHERE NOT is_loaded AND created_at_ms <= $1 ORDER BY created_at_ms LIMIT $2
