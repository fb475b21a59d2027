-- Packets funded for a shard (?1) before ?2 that it has not confirmed: whoever sent them stopped half way. Those behind
-- the packet ?3.
SELECT id FROM packets
WHERE shard = ?1 AND is_loaded = 0 AND shard >= 0 AND closed_at_ms IS NULL AND settled < count AND created_at_ms <= ?2
  AND (created_at_ms, id) > (COALESCE((SELECT a.created_at_ms FROM packets a WHERE a.id = ?3), 0), ?3)
ORDER BY created_at_ms, id LIMIT ?4
