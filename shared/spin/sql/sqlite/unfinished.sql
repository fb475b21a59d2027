-- The packets a shard has to hold, after ?2 in order of id.
SELECT id FROM packets INDEXED BY packets_running
WHERE shard = ?1 AND id > ?2 AND closed_at_ms IS NULL AND settled < count
ORDER BY id LIMIT ?3
