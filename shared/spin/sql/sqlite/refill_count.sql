-- How many packets have to come back under epoch ?2, counted before the first does.
UPDATE shards SET to_refill = (SELECT COUNT(*) FROM packets p WHERE p.shard = ?1 AND closed_at_ms IS NULL AND settled < count)
WHERE shard = ?1 AND epoch = ?2 AND refill_after = ''
