SELECT COALESCE(SUM(balance_fen), 0), COUNT(*) FROM accounts
