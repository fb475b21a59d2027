-- The events of a batch ($1: a JSON list of entries) for which somebody else has locked a row.
SELECT held_up($1)
