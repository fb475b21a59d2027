SELECT "user", seq, opened_at_ms FROM claims WHERE packet = $1 ORDER BY seq
