-- Packets of Redis that open after $1 and by $2 (Unix milliseconds), the first to open first.
SELECT id FROM packets
WHERE starts_at_ms > created_at_ms AND starts_at_ms > $1 AND starts_at_ms <= $2 AND shard >= 0 AND closed_at_ms IS NULL
ORDER BY starts_at_ms LIMIT $3
