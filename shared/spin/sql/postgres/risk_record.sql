-- What risk rules saw ($1: a JSON list); what is on record already adds no row.
INSERT INTO risk_events (event, rule, "user", packet, action, detail, at_ms)
SELECT e ->> 'event', e ->> 'rule', e ->> 'user', e ->> 'packet', e ->> 'action', e ->> 'detail', (e ->> 'at_ms')::bigint
FROM json_array_elements($1::text::json) e
ON CONFLICT (event) DO NOTHING
