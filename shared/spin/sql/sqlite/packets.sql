-- The packets with these ids (?1: a JSON list).
SELECT id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
       created_at_ms, starts_at_ms, expires_at_ms, settled, closed_at_ms, refunded_fen, is_loaded, shard
FROM packets WHERE id IN (SELECT value FROM json_each(?1))
