-- One batch of the journal (?1: a JSON list of entries), in its order, at ?2 (Unix milliseconds).
INSERT INTO settle
SELECT value ->> 'event', value ->> 'kind', value ->> 'packet', value ->> 'seq', value ->> 'user',
       value ->> 'amount_fen', value ->> 'at_ms', value ->> 'opened', value ->> 'text', ?2
FROM json_each(?1)
