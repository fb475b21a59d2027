-- A wallet's postings, newest first. Two index walks merged: an OR would sort all of them.
SELECT number, id, -amount_fen AS change_fen, credit AS counterparty, at_ms FROM postings
WHERE debit = $1 AND number < $2
UNION ALL
SELECT number, id, amount_fen, debit, at_ms FROM postings
WHERE credit = $1 AND number < $2
ORDER BY number DESC LIMIT $3
