INSERT OR IGNORE INTO shards (shard, epoch) VALUES (?1, 1)
