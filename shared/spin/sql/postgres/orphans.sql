-- Shards that are not among those configured ($1: a JSON list) and have packets to hold: how many, counted up to $2.
SELECT s.shard, (SELECT COUNT(*) FROM (SELECT 1 FROM packets p WHERE p.shard = s.shard AND p.is_running LIMIT $2) found)
FROM shards s
WHERE s.shard <> ALL (ARRAY(SELECT json_array_elements_text($1::text::json)::bigint))
  AND EXISTS (SELECT 1 FROM packets p WHERE p.shard = s.shard AND p.is_running)
ORDER BY s.shard
