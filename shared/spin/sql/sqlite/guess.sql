-- Counts a guess of user ?2 at the password of packet ?1, at ?3 (?7: the packet's end): answers the so-manyth it is. After
-- ?4 of them each one starts a wait (?5, doubled each time, ?6 at most), in which none is counted and no row comes back.
INSERT INTO guesses (packet, user, tries, until_ms, at_ms, ends_at_ms)
VALUES (?1, ?2, 1, CASE WHEN ?4 <= 1 THEN ?3 + ?5 ELSE 0 END, ?3, ?7)
ON CONFLICT (packet, user) DO UPDATE SET
  tries = tries + 1,
  until_ms = CASE WHEN tries + 1 >= ?4 THEN ?3 + min(?6, ?5 << min(tries + 1 - ?4, 30)) ELSE 0 END,
  at_ms = ?3
-- A clock that was set back leaves nobody waiting for more than the longest wait.
WHERE until_ms <= ?3 OR until_ms > ?3 + ?6
RETURNING tries
