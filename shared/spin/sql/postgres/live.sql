-- Packets that are being opened now: started before $1, not over; those that end last first.
SELECT id FROM packets WHERE is_running AND expires_at_ms > $1 AND starts_at_ms <= $1
  AND is_loaded AND shard >= 0 AND frozen_at_ms IS NULL
ORDER BY expires_at_ms DESC LIMIT $2
