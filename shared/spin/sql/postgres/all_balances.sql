SELECT COALESCE(SUM(balance_fen), 0)::bigint, COUNT(*) FROM accounts
