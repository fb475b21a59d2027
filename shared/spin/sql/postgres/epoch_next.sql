-- The next epoch, for one caller only: $2 is the epoch that caller knows, $3 now, $4 the end of its lease. It is at
-- least the time in seconds, so that it is a later one even if this ledger was restored from an old copy. A lease
-- that ends later than one that begins now was taken by a clock that was ahead, and counts for nothing. All
-- packets have to come back.
UPDATE shards SET epoch = GREATEST(epoch + 1, $3::bigint / 1000), lease_ms = $4,
  refill_after = '', refilled = 0, to_refill = 0
WHERE shard = $1 AND epoch = $2
  AND lease_ms NOT BETWEEN $3::bigint + 1 AND $4
RETURNING epoch
