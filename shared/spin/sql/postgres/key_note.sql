-- The signing keys $1 (a JSON list of ids) are in force at $3, and $2 signs. Written down once a minute.
INSERT INTO signing_keys AS k (id, last_ms)
SELECT value, $3::bigint FROM json_array_elements_text($1::text::json)
ON CONFLICT (id) DO UPDATE SET last_ms = excluded.last_ms WHERE k.id = $2::text AND excluded.last_ms >= k.last_ms + 60000
