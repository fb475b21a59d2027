-- The paid shares of these packets (?1: a JSON list of ids).
SELECT packet, user, seq, opened_at_ms FROM claims WHERE packet IN (SELECT value FROM json_each(?1)) ORDER BY packet, seq
