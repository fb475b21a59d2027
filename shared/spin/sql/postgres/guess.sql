-- Counts a guess of user $2 at the password of packet $1, at $3 ($7: the packet's end): answers the so-manyth it is. After
-- $4 of them each one starts a wait ($5, doubled each time, $6 at most), in which none is counted and no row comes back.
-- Two rows of packets that are over go at the same time, so that the table holds no more than live packets have.
WITH over AS (
  DELETE FROM guesses WHERE (packet, "user") IN (
    SELECT packet, "user" FROM guesses WHERE ends_at_ms < $3 AND packet <> $1 ORDER BY ends_at_ms LIMIT 2
    FOR UPDATE SKIP LOCKED)
)
INSERT INTO guesses AS g (packet, "user", tries, until_ms, at_ms, ends_at_ms)
VALUES ($1, $2, 1, CASE WHEN $4::bigint <= 1 THEN $3::bigint + $5::bigint ELSE 0 END, $3, $7)
ON CONFLICT (packet, "user") DO UPDATE SET
  tries = g.tries + 1,
  until_ms = CASE WHEN g.tries + 1 >= $4
    THEN $3 + least($6::bigint, $5::bigint << least(g.tries + 1 - $4, 30)::int) ELSE 0 END,
  at_ms = $3
-- A clock that was set back leaves nobody waiting for more than the longest wait.
WHERE g.until_ms <= $3 OR g.until_ms > $3 + $6
RETURNING g.tries
