-- Those of the packets ?1 (a JSON list) that no shard has to hold any more: noted as ended by ?2, or decided here.
SELECT id FROM packets
WHERE id IN (SELECT value FROM json_each(?1)) AND (shard = -1 OR ended_at_ms <= ?2)
