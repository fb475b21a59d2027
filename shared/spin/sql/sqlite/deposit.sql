INSERT INTO deposit (id, user, amount_fen, at_ms) VALUES (?1, ?2, ?3, ?4)
