-- What every instance keeps a short-lived copy of: the switches, the settings, and the first ?1 of the blacklist.
SELECT * FROM (SELECT 'switch' AS kind, name, CAST(is_on AS TEXT) FROM switches
               UNION ALL SELECT 'setting', name, value FROM settings
               UNION ALL SELECT * FROM (SELECT 'blocked', user, '' FROM blacklist ORDER BY user LIMIT ?1))
