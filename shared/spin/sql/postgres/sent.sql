SELECT id, sender, kind, total_fen, settled, count, COALESCE(refunded_fen, 0), false AS is_best, created_at_ms
FROM packets WHERE sender = $1 AND created_at_ms >= $2 AND (created_at_ms, id) < ($3, $4)
ORDER BY created_at_ms DESC, id DESC LIMIT $5
