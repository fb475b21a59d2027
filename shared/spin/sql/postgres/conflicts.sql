-- The paid shares that stand in the way of these opens ($1: a JSON list of packet, seq and user).
SELECT c.packet, c.seq, c."user", c.amount_fen, c.opened_at_ms FROM json_array_elements($1::text::json) o
JOIN claims c ON c.packet = o ->> 'packet' AND c.seq = (o ->> 'seq')::bigint
UNION
SELECT c.packet, c.seq, c."user", c.amount_fen, c.opened_at_ms FROM json_array_elements($1::text::json) o
JOIN claims c ON c.packet = o ->> 'packet' AND c."user" = o ->> 'user'
ORDER BY 1, 2
