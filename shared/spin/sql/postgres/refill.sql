-- The packets behind $3 and up to $4 (empty: to the last) are back under epoch $2: $5 of them.
UPDATE shards SET refill_after = NULLIF($4, ''), refilled = refilled + $5
WHERE shard = $1 AND epoch = $2 AND refill_after = $3
