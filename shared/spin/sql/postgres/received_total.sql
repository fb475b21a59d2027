SELECT COALESCE(SUM(amount_fen), 0)::bigint, 0::bigint, COUNT(*), COUNT(*) FILTER (WHERE is_best) FROM claims
WHERE "user" = $1 AND opened_at_ms >= $2 AND opened_at_ms < $3
