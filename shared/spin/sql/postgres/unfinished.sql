-- The packets a shard has to hold, after $2 in order of id.
SELECT id FROM packets WHERE shard = $1 AND id > $2 AND is_running ORDER BY id LIMIT $3
