-- The paid shares of packet $1 with numbers above $2, in their order.
SELECT "user", seq, amount_fen, opened_at_ms, is_best FROM claims WHERE packet = $1 AND seq > $2 ORDER BY seq LIMIT $3
