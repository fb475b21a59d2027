SELECT COALESCE(SUM(amount_fen), 0), 0, COUNT(*), COALESCE(SUM(is_best), 0) FROM claims
WHERE user = ?1 AND opened_at_ms >= ?2 AND opened_at_ms < ?3
