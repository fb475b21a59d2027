-- The events of a batch (?1: a JSON list of entries) for which somebody else has locked a row. Here one lock is for the
-- whole database, so none is held up alone.
SELECT value ->> 'event' FROM json_each(?1) WHERE 0
