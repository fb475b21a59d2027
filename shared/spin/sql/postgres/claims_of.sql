-- The paid shares of these packets ($1: a JSON list of ids).
SELECT packet, "user", seq, opened_at_ms FROM claims
WHERE packet = ANY (ARRAY(SELECT json_array_elements_text($1::text::json))) ORDER BY packet, seq
