-- What stands about these accounts ($1: a JSON list of ids): balance, and what the postings say it should be.
SELECT a.id, a.balance_fen,
  (COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = a.id), 0) -
   COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = a.id), 0))::bigint,
  a.id NOT LIKE 'packet:%' OR EXISTS (SELECT 1 FROM packets WHERE id = substr(a.id, 8))
FROM accounts a WHERE a.id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))
