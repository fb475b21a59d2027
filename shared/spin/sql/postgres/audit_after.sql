-- The acts numbered above $1, oldest first: the order in which the chain is verified.
SELECT number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash FROM audit
WHERE number > $1 ORDER BY number LIMIT $2
