-- What every instance keeps a short-lived copy of: the switches, and the first $1 of the blacklist.
SELECT 'switch' AS kind, name, is_on FROM switches
UNION ALL
SELECT 'blocked', "user", false FROM (SELECT "user" FROM blacklist ORDER BY "user" LIMIT $1) first
