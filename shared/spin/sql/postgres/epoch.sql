SELECT epoch FROM shards WHERE shard = $1
