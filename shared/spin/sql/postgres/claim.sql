-- A user's share of a packet: grabbed under SQL authority, or paid.
SELECT seq, opened_at_ms FROM claims WHERE packet = $1 AND "user" = $2
UNION ALL
SELECT seq, NULL FROM grabs WHERE packet = $1 AND "user" = $2
LIMIT 1
