-- The next epoch, for one caller only: $2 is the epoch that caller knows, $3 now, $4 the end of its lease.
UPDATE shards SET epoch = epoch + 1, lease_ms = $4 WHERE shard = $1 AND epoch = $2 AND lease_ms <= $3 RETURNING epoch
