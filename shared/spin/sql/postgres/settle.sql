-- One batch of the journal ($1: a JSON list of entries), in its order, at $2 (Unix milliseconds).
SELECT settle($1, $2)
