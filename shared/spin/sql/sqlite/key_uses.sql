SELECT id, last_ms FROM signing_keys ORDER BY last_ms DESC, id LIMIT 1000
