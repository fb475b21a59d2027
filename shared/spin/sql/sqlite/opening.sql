-- Packets of a shard (?1) that open after ?2 and by ?3 (Unix milliseconds), the first to open first; those behind the
-- packet ?4.
SELECT id FROM packets
WHERE shard = ?1 AND starts_at_ms > created_at_ms AND closed_at_ms IS NULL AND +starts_at_ms > ?2 AND starts_at_ms <= ?3
  AND (starts_at_ms, id) > (MAX(COALESCE((SELECT a.starts_at_ms FROM packets a WHERE a.id = ?4), 0), ?2), ?4)
ORDER BY starts_at_ms, id LIMIT ?5
