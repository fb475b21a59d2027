INSERT INTO grab_in_sql (packet, user, now_ms) VALUES (?1, ?2, ?3)
