-- The system in numbers, at $1 (Unix milliseconds).
SELECT 'scheduled' AS name, COUNT(*) AS number FROM packets WHERE is_running AND expires_at_ms > $1 AND starts_at_ms > $1
UNION ALL SELECT 'open', COUNT(*) FROM packets WHERE is_running AND expires_at_ms > $1 AND starts_at_ms <= $1
UNION ALL SELECT 'overdue', COUNT(*) FROM packets WHERE is_running AND expires_at_ms <= $1
UNION ALL SELECT 'unloaded', COUNT(*) FROM packets WHERE NOT is_loaded AND shard >= 0 AND is_running
UNION ALL SELECT 'frozen', COUNT(*) FROM packets WHERE frozen_at_ms IS NOT NULL
UNION ALL SELECT 'finished', COUNT(*) FROM packets WHERE settled = count
UNION ALL SELECT 'expired', COUNT(*) FROM packets WHERE closed_at_ms IS NOT NULL AND settled < count
UNION ALL SELECT 'exceptions_open', COUNT(*) FROM exceptions WHERE resolved_at_ms IS NULL
UNION ALL SELECT 'blacklisted', COUNT(*) FROM blacklist
UNION ALL SELECT 'acts', COUNT(*) FROM audit
UNION ALL SELECT 'escrow_fen', COALESCE(SUM(balance_fen), 0)::bigint FROM accounts WHERE id >= 'packet:' AND id < 'packet;'
UNION ALL SELECT 'wallets_fen', COALESCE(SUM(balance_fen), 0)::bigint FROM accounts WHERE id >= 'wallet:' AND id < 'wallet;'
UNION ALL SELECT 'suspense_fen', balance_fen FROM accounts WHERE id = 'suspense'
UNION ALL SELECT 'world_fen', balance_fen FROM accounts WHERE id = 'world'
