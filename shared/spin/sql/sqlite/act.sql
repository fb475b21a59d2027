-- An operator's act, unless it was done already: then no row is added and nothing happens.
-- ?1 number, ?2 at (Unix milliseconds), ?3 operator, ?4 act, ?5 subject, ?6 amount, ?7 reason, ?8 detail (JSON),
-- ?9 previous hash, ?10 hash
INSERT INTO audit SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10
WHERE CASE ?4
  WHEN 'deposit' THEN NOT EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || ?5)
  WHEN 'switch'  THEN ?8 ->> 'is_on' <> COALESCE((SELECT is_on FROM switches WHERE name = ?5), 1)
  WHEN 'set'     THEN NOT EXISTS (SELECT 1 FROM settings WHERE name = ?5 AND value = ?8 ->> 'value')
  WHEN 'move_shard' THEN EXISTS (SELECT 1 FROM packets WHERE shard = CAST(?5 AS INTEGER) AND closed_at_ms IS NULL
                                 AND settled < count)
  WHEN 'block'   THEN NOT EXISTS (SELECT 1 FROM blacklist WHERE user = ?5 AND reason = ?7)
  WHEN 'unblock' THEN EXISTS (SELECT 1 FROM blacklist WHERE user = ?5)
  ELSE EXISTS (SELECT 1 FROM exceptions WHERE id = ?5 AND resolved_at_ms IS NULL) END
