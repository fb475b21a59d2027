SELECT id FROM packets WHERE id > $1 ORDER BY id LIMIT $2
