UPDATE shards SET lease_ms = $3 WHERE shard = $1 AND epoch = $2
