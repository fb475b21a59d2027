SELECT retired_ms, retired_id, retired_contents FROM shards WHERE shard = ?1
