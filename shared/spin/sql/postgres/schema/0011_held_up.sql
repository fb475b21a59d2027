-- A lock that somebody else holds stops the entries that need it, and no others.

-- Settle one batch of the journal (a JSON list of entries). A contradiction never stops the batch: it goes to
-- exceptions. The plans use indexes whatever the statistics say: a batch is small beside the tables.
CREATE OR REPLACE FUNCTION settle(batch text, now_ms bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s'
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  entries journal_entry[] := ARRAY(SELECT e FROM json_populate_recordset(NULL::journal_entry, batch::json) e);
  entry journal_entry;
  ordered text[];
BEGIN
  -- The first entry is a fence: a batch read under another epoch or from another server process is too late.
  FOR entry IN SELECT * FROM unnest(entries) e WHERE e.kind = 'fence' LOOP
    PERFORM 1 FROM shards WHERE shard = entry.packet::bigint AND epoch = entry.opened AND run_id = entry.text
      FOR NO KEY UPDATE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'epoch_is_over';
    END IF;
    UPDATE shards SET settled_ms = entry.at_ms, settled_number = entry.seq
      WHERE shard = entry.packet::bigint AND (settled_ms, settled_number) < (entry.at_ms, entry.seq);
  END LOOP;
  entries := ARRAY(SELECT e FROM unnest(entries) e WHERE e.kind <> 'fence');
  -- Another settlement of this shard, which the fence waited for, takes its time; rows that somebody else has locked are
  -- found out soon (`held_up`).
  PERFORM set_config('lock_timeout', '500ms', true);

  -- One batch at a time for each packet, and one order of locks for all: packets by id, then accounts by id.
  PERFORM 1 FROM packets WHERE id IN (SELECT packet FROM unnest(entries)) ORDER BY id FOR NO KEY UPDATE;
  ordered := contradicted(entries);
  IF ordered = '{}' THEN
    PERFORM settle_together(entries);
    RETURN cardinality(entries);
  END IF;
  PERFORM lock_accounts(ARRAY(
    SELECT unnest(ARRAY['packet:' || id, 'wallet:' || sender]) FROM packets
    WHERE id IN (SELECT packet FROM unnest(entries))
    UNION
    SELECT 'wallet:' || e."user" FROM unnest(entries) e JOIN packets ON packets.id = e.packet WHERE e.kind = 'open'));
  PERFORM settle_together(ARRAY(SELECT e FROM unnest(entries) e WHERE e.packet <> ALL (ordered)));
  FOREACH entry IN ARRAY entries LOOP
    IF entry.packet = ANY (ordered) THEN
      PERFORM settle_alone(entry, now_ms);
    END IF;
  END LOOP;
  RETURN cardinality(entries);
END $$;

-- The events of a batch (a JSON list of entries) for which somebody else has locked a row now: the packet, its escrow,
-- the wallet of who opened the share; the sender's once the packet is closed, since that may be the refund. A hint: its
-- own locks end with it.
CREATE FUNCTION held_up(batch text) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
  entries journal_entry[] := ARRAY(SELECT e FROM json_populate_recordset(NULL::journal_entry, batch::json) e
                                   WHERE e.kind <> 'fence');
  ids text[] := ARRAY(SELECT DISTINCT e.packet FROM unnest(entries) e);
  wallets text[] := ARRAY(
    SELECT 'packet:' || id FROM unnest(ids) id
    UNION SELECT 'wallet:' || e."user" FROM unnest(entries) e WHERE e."user" IS NOT NULL
    UNION SELECT 'wallet:' || p.sender FROM packets p WHERE p.id = ANY (ids));
  locked text[];
BEGIN
  locked := ARRAY(
    SELECT p.id FROM packets p WHERE p.id = ANY (ids)
    EXCEPT SELECT free.id FROM (SELECT p.id FROM packets p WHERE p.id = ANY (ids)
                                FOR NO KEY UPDATE SKIP LOCKED) free)
  || ARRAY(
    SELECT a.id FROM accounts a WHERE a.id = ANY (wallets)
    EXCEPT SELECT free.id FROM (SELECT a.id FROM accounts a WHERE a.id = ANY (wallets)
                                FOR NO KEY UPDATE SKIP LOCKED) free);
  RETURN QUERY
    SELECT e.event
    FROM unnest(entries) e
      JOIN LATERAL (SELECT p.sender, p.closed_at_ms FROM packets p WHERE p.id = e.packet LIMIT 1) of_packet ON true
    WHERE e.packet = ANY (locked) OR 'packet:' || e.packet = ANY (locked) OR 'wallet:' || e."user" = ANY (locked)
      OR ((e.kind = 'close' OR of_packet.closed_at_ms IS NOT NULL) AND 'wallet:' || of_packet.sender = ANY (locked));
END $$;

REVOKE ALL ON FUNCTION held_up FROM PUBLIC;

GRANT EXECUTE ON FUNCTION held_up TO hongbao_app;
