SELECT balance_fen FROM accounts WHERE id = $1
