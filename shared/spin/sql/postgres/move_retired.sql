-- Moves the mark from $2, $3, $4 to $5, $6, $7, for one caller only.
UPDATE shards SET retired_ms = $5, retired_id = $6, retired_contents = $7
WHERE shard = $1 AND retired_ms = $2 AND retired_id = $3 AND retired_contents = $4
RETURNING 1::bigint
