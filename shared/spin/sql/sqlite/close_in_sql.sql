-- Under SQL authority nothing is on its way: what is settled is what was opened.
UPDATE packets SET closed_at_ms = ?2, closed_opened = settled
WHERE id = ?1 AND shard = -1 AND closed_at_ms IS NULL AND expires_at_ms <= ?2
