SELECT "user", seq, amount_fen, opened_at_ms, is_best FROM claims WHERE packet = $1 AND "user" = $2
