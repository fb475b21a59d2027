-- The packets with these ids ($1: a JSON list).
SELECT id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
       created_at_ms, starts_at_ms, expires_at_ms, settled, closed_at_ms, refunded_fen, is_loaded, shard
FROM packets WHERE id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))
