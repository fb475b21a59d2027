-- What every instance keeps a short-lived copy of: the switches, the settings, and the first $1 of the blacklist.
SELECT 'switch' AS kind, name, is_on::int::text AS value FROM switches
UNION ALL
SELECT 'setting', name, value FROM settings
UNION ALL
SELECT 'blocked', "user", '' FROM (SELECT "user" FROM blacklist ORDER BY "user" LIMIT $1) first
