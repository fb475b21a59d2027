-- The packets of a shard whose end was noted after the place $2, $3 and up to $4, in that order.
SELECT id, ended_at_ms FROM packets
WHERE shard = $1 AND (ended_at_ms, id) > ($2::bigint, $3::text) AND ended_at_ms <= $4
ORDER BY ended_at_ms, id LIMIT $5
