-- An operator's act, unless it was done already: then no row is added and nothing happens.
-- $1 number, $2 at (Unix milliseconds), $3 operator, $4 act, $5 subject, $6 amount, $7 reason, $8 detail (JSON),
-- $9 previous hash, $10 hash
SELECT act($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
