-- Times that a clock noted which was ahead, and entries that go on record among locks.

-- As in 0006: but a lease that ends later than one that begins now (15 s, LEASE_MS in ledger/shards.rs) was taken by a
-- clock that was ahead, and counts for nothing.
CREATE OR REPLACE FUNCTION act(
  number bigint, at_ms bigint, operator text, act text, subject text, amount_fen bigint, reason text, detail text,
  previous_hash text, hash text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_variable
DECLARE
  said jsonb := detail::jsonb;
  head record;
BEGIN
  IF act NOT IN ('set', 'move_shard') THEN
    RETURN act_on_money(number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash);
  ELSIF NOT is_to_do(act, subject, reason, said) THEN
    RETURN false;
  END IF;
  SELECT a.number, a.hash INTO head FROM audit a ORDER BY a.number DESC LIMIT 1;
  IF number <> COALESCE(head.number, 0) + 1 OR previous_hash <> COALESCE(head.hash, repeat('0', 64)) THEN
    RAISE EXCEPTION 'audit_moved';
  END IF;
  INSERT INTO audit VALUES (number, at_ms, operator, act, subject, amount_fen, reason, detail, previous_hash, hash);
  IF act = 'set' THEN
    INSERT INTO settings VALUES (subject, said ->> 'value') ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    RETURN true;
  END IF;
  -- The packets that a dead shard held live here from now on, under its next epoch, so that the shard is fenced when
  -- it returns. Not while a sweep rebuilds it, and not if it is another one than the operator saw.
  UPDATE shards s SET epoch = GREATEST(s.epoch + 1, at_ms / 1000)
    WHERE s.shard = subject::bigint AND s.epoch = (said ->> 'epoch')::bigint
      AND s.lease_ms NOT BETWEEN at_ms + 1 AND at_ms + 15000;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'epoch_is_over';
  END IF;
  PERFORM move_to_sql(subject::bigint);
  RETURN true;
END $$;

-- As in 0010; and notes again what a clock noted that stood ahead of this one by more than a minute: at most as many, and
-- none of a shard whose mark such a clock has moved, before that has gone back.
CREATE OR REPLACE FUNCTION note_ended(now_ms bigint, most bigint) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY
    WITH unnoted AS (
      SELECT p.id FROM packets p
      WHERE p.shard >= 0 AND NOT p.is_running AND p.ended_at_ms IS NULL
        AND (p.settled >= p.count OR p.refunded_fen IS NOT NULL)
      LIMIT most FOR NO KEY UPDATE SKIP LOCKED),
    ahead AS (
      SELECT p.id FROM shards s JOIN packets p ON p.shard = s.shard AND p.ended_at_ms > now_ms + 60000
      WHERE s.retired_ms < now_ms
      LIMIT most FOR NO KEY UPDATE OF p SKIP LOCKED)
    UPDATE packets p
    SET ended_at_ms = GREATEST(now_ms, 1 + COALESCE((SELECT s.retired_ms FROM shards s WHERE s.shard = p.shard), 0))
    FROM (SELECT id FROM unnoted UNION ALL SELECT id FROM ahead) ended WHERE p.id = ended.id
    RETURNING 1::bigint;
END $$;

-- As in 0011; but what goes on record as it is waits for no lock.
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
  -- What goes on record as it is needs no row of anybody's, and no lock stops it.
  INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_' || e.event, e.packet, 'poison', e.text, settle.now_ms FROM unnest(entries) e WHERE e.kind = 'poison'
    ON CONFLICT DO NOTHING;
  entries := ARRAY(SELECT e FROM unnest(entries) e WHERE e.kind NOT IN ('fence', 'poison'));
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
