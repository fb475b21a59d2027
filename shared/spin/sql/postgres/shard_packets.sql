-- How many packets have to be on each shard now.
SELECT shard, COUNT(*) FROM packets WHERE is_running AND shard >= 0 GROUP BY shard
