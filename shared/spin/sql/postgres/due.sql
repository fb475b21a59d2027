-- Packets whose time is over and that nobody has closed yet, the longest overdue first; none of the shards that are
-- away ($3: a JSON list), for whose packets nothing can be done now.
SELECT id FROM packets WHERE is_running AND expires_at_ms <= $1
  AND shard <> ALL (ARRAY(SELECT json_array_elements_text($3::text::json)::bigint))
ORDER BY expires_at_ms LIMIT $2
