-- Notes at ?1 that packets of Redis have ended, at most ?2 of them; later than what has left their shard already.
UPDATE packets
SET ended_at_ms = MAX(?1, 1 + COALESCE((SELECT s.retired_ms FROM shards s WHERE s.shard = packets.shard), 0))
WHERE id IN (SELECT id FROM packets
             WHERE shard >= 0 AND ended_at_ms IS NULL AND (settled >= count OR refunded_fen IS NOT NULL) LIMIT ?2)
RETURNING 1
