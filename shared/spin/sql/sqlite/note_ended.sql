-- Notes at ?1 that packets of Redis have ended, at most ?2 of them; later than what has left their shard already. And
-- notes again what a clock noted that stood ahead of this one by more than a minute: at most as many, and none of a shard
-- whose mark such a clock has moved, before that has gone back.
UPDATE packets
SET ended_at_ms = MAX(?1, 1 + COALESCE((SELECT s.retired_ms FROM shards s WHERE s.shard = packets.shard), 0))
WHERE id IN (SELECT id FROM packets
             WHERE shard >= 0 AND ended_at_ms IS NULL AND (settled >= count OR refunded_fen IS NOT NULL) LIMIT ?2)
   OR id IN (SELECT p.id FROM shards s JOIN packets p ON p.shard = s.shard AND p.ended_at_ms > ?1 + 60000
             WHERE s.retired_ms < ?1 LIMIT ?2)
RETURNING 1
