SELECT p.id, p.sender, p.kind, c.amount_fen, 1::bigint AS opened, p.count, 0::bigint AS refunded_fen, c.is_best,
       c.opened_at_ms
FROM claims c JOIN packets p ON p.id = c.packet
WHERE c."user" = $1 AND c.opened_at_ms >= $2 AND (c.opened_at_ms, c.packet) < ($3, $4)
ORDER BY c.opened_at_ms DESC, c.packet DESC LIMIT $5
