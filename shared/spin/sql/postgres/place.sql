-- Where a list goes on.
SELECT value FROM places WHERE name = $1
