-- How these packets stand, for whoever has to understand an exception ($1: a JSON list of ids).
SELECT p.id, p.sender, p.kind, p.total_fen, p.count, p.settled, p.created_at_ms, p.expires_at_ms, p.closed_at_ms,
       p.closed_opened, p.refunded_fen, p.frozen_at_ms, COALESCE(a.balance_fen, 0)
FROM packets p LEFT JOIN accounts a ON a.id = 'packet:' || p.id
WHERE p.id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))
