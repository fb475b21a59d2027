-- What risk rules saw (?1: a JSON list); what is on record already adds no row.
INSERT OR IGNORE INTO risk_events (event, rule, user, packet, action, detail, at_ms)
SELECT value ->> 'event', value ->> 'rule', value ->> 'user', value ->> 'packet', value ->> 'action',
       value ->> 'detail', value ->> 'at_ms'
FROM json_each(?1)
