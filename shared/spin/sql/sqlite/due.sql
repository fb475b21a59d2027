-- Packets whose time is over and that nobody has closed yet, the longest overdue first.
SELECT id FROM packets WHERE closed_at_ms IS NULL AND settled < count AND expires_at_ms <= ?1
ORDER BY expires_at_ms LIMIT ?2
