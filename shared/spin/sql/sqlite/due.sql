-- Packets of one shard (?1; -1: SQL authority) whose time was over at ?2 and that nobody has closed yet, the longest
-- overdue first; those behind the packet ?3.
SELECT id FROM packets
WHERE shard = ?1 AND closed_at_ms IS NULL AND settled < count AND expires_at_ms <= ?2
  AND (expires_at_ms, id) > (COALESCE((SELECT a.expires_at_ms FROM packets a WHERE a.id = ?3), 0), ?3)
ORDER BY expires_at_ms, id LIMIT ?4
