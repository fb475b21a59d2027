SELECT COALESCE(SUM(total_fen), 0)::bigint, COALESCE(SUM(refunded_fen), 0)::bigint, COUNT(*), 0::bigint FROM packets
WHERE sender = $1 AND created_at_ms >= $2 AND created_at_ms < $3
