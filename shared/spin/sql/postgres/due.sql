-- Packets whose time is over and that nobody has closed yet, the longest overdue first.
SELECT id FROM packets WHERE is_running AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT $2
