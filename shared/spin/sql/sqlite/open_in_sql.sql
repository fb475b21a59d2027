INSERT INTO open_in_sql (packet, seq, user, amount_fen, now_ms) VALUES (?1, ?2, ?3, ?4, ?5)
