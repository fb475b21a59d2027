-- The paid shares that stand in the way of these opens (?1: a JSON list of packet, seq and user).
SELECT c.packet, c.seq, c.user, c.amount_fen, c.opened_at_ms FROM json_each(?1) o
JOIN claims c ON c.packet = o.value ->> 'packet' AND c.seq = o.value ->> 'seq'
UNION
SELECT c.packet, c.seq, c.user, c.amount_fen, c.opened_at_ms FROM json_each(?1) o
JOIN claims c ON c.packet = o.value ->> 'packet' AND c.user = o.value ->> 'user'
ORDER BY 1, 2
