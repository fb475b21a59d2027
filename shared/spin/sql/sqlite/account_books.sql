-- What stands about these accounts (?1: a JSON list of ids): balance, and what the postings say it should be.
SELECT a.id, a.balance_fen,
  COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
  COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0),
  CASE WHEN a.id LIKE 'packet:%' THEN EXISTS (SELECT 1 FROM packets WHERE id = substr(a.id, 8)) ELSE 1 END
FROM json_each(?1) one JOIN accounts a ON a.id = one.value
