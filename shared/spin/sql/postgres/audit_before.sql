-- The acts numbered below $1, newest first.
SELECT number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash FROM audit
WHERE number < $1 ORDER BY number DESC LIMIT $2
