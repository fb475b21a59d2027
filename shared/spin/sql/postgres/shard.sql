SELECT epoch, settled_ms, settled_number, lease_ms, EXISTS (SELECT 1 FROM packets p WHERE p.shard = s.shard),
  run_id, refill_after, refilled, to_refill
FROM shards s WHERE shard = $1
