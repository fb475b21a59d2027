-- The signing keys ?1 (a JSON list of ids) are in force at ?3, and ?2 signs. Written down once a minute.
INSERT INTO signing_keys (id, last_ms) SELECT value, ?3 FROM json_each(?1) WHERE true
ON CONFLICT (id) DO UPDATE SET last_ms = excluded.last_ms WHERE id = ?2 AND excluded.last_ms >= last_ms + 60000
