-- How many packets have to be on each shard now.
SELECT shard, COUNT(*) FROM packets WHERE closed_at_ms IS NULL AND settled < count AND shard >= 0 GROUP BY shard
