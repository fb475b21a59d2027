-- What every instance keeps a short-lived copy of: the switches, and the first ?1 of the blacklist.
SELECT * FROM (SELECT 'switch' AS kind, name, is_on FROM switches
               UNION ALL SELECT * FROM (SELECT 'blocked', user, 0 FROM blacklist ORDER BY user LIMIT ?1))
