-- Shards that are open before all their packets are back in the race.

-- Under a new epoch the sweep puts packets back in the order of their ids: up to this one (NULL: all are back), how
-- many so far, and how many there were to put back.
ALTER TABLE shards ADD COLUMN refill_after text COLLATE "C", ADD COLUMN refilled bigint NOT NULL DEFAULT 0,
  ADD COLUMN to_refill bigint NOT NULL DEFAULT 0;

-- Closed packets that wait for opens, among few others. No column here changes with a settled share.
CREATE INDEX packets_unrefunded ON packets (shard) WHERE closed_at_ms IS NOT NULL AND refunded_fen IS NULL;

-- As in 0003, by that index: this stands behind the fence.
CREATE OR REPLACE FUNCTION forgo_lost(shard bigint, epoch bigint, now_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
DECLARE
  at packets;
  waiting text[] := ARRAY(SELECT p.id FROM packets p WHERE p.shard = forgo_lost.shard AND p.closed_at_ms IS NOT NULL
                            AND p.refunded_fen IS NULL AND p.closed_opened > p.settled
                          ORDER BY p.id FOR NO KEY UPDATE);
BEGIN
  PERFORM lock_accounts(ARRAY(SELECT unnest(ARRAY['packet:' || p.id, 'wallet:' || p.sender]) FROM packets p
                              WHERE p.id = ANY (waiting)));
  FOR at IN SELECT p.* FROM packets p WHERE p.id = ANY (waiting) LOOP
    INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
      VALUES ('ex_lost:' || at.id || ':' || forgo_lost.epoch, at.id, 'opens_lost',
              format('closed with %s shares opened, of which %s are settled', at.closed_opened, at.settled),
              forgo_lost.now_ms);
    UPDATE packets p SET closed_opened = p.settled WHERE p.id = at.id;
    -- The close again: the refund that waited is made now.
    PERFORM settle_together(ARRAY[ROW('', 'close', at.id, NULL, NULL, NULL, at.closed_at_ms, at.settled,
                                      '')::journal_entry]);
  END LOOP;
  RETURN cardinality(waiting);
END $$;
