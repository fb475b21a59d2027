-- Packets of a shard (?1) that are being opened at ?2, the first to end first; those behind the packet ?3.
SELECT id FROM packets
WHERE shard = ?1 AND closed_at_ms IS NULL AND settled < count AND is_loaded = 1 AND frozen_at_ms IS NULL AND +expires_at_ms > ?2 AND starts_at_ms <= ?2
  AND (expires_at_ms, id) > (MAX(COALESCE((SELECT a.expires_at_ms FROM packets a WHERE a.id = ?3), 0), ?2), ?3)
ORDER BY expires_at_ms, id LIMIT ?4
