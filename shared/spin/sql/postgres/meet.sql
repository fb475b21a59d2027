UPDATE shards SET run_id = $2 WHERE shard = $1
