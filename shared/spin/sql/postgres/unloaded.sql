-- Funded packets that no shard has confirmed: whoever sent them stopped half way. None of the shards that are away
-- ($3: a JSON list).
SELECT id FROM packets WHERE NOT is_loaded AND shard >= 0 AND created_at_ms <= $1
  AND shard <> ALL (ARRAY(SELECT json_array_elements_text($3::text::json)::bigint))
ORDER BY created_at_ms LIMIT $2
