INSERT INTO forgo_lost (shard, epoch, now_ms) VALUES (?1, ?2, ?3)
