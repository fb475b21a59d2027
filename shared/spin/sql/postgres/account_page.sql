-- The world is left out: it is right if every other account is and all balances sum to zero.
SELECT id FROM accounts WHERE id > $1 AND id <> 'world' ORDER BY id LIMIT $2
