SELECT COALESCE(SUM(total_fen), 0), COALESCE(SUM(refunded_fen), 0), COUNT(*), 0 FROM packets
WHERE sender = ?1 AND created_at_ms >= ?2 AND created_at_ms < ?3
