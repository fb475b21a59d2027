-- Retention: a packet leaves its shard of Redis a while after it has ended and a sweep has noted so.

-- When the end was noted: every share settled, or what was left refunded. Not when it happened: a mark that moves along
-- this column never passes a packet it has not seen, however late that was settled.
ALTER TABLE packets ADD COLUMN ended_at_ms bigint;

-- Packets whose end is still to be noted; those from before this version too, by and by. `is_running` stands here
-- instead of `settled`, so that a settled share touches no index.
CREATE INDEX packets_ended_unnoted ON packets (shard) WHERE NOT is_running AND ended_at_ms IS NULL;

CREATE INDEX packets_ended ON packets (shard, ended_at_ms, id) WHERE ended_at_ms IS NOT NULL;

-- Up to where the packets of the shard have left it, and which contents (epoch and server process): other contents may
-- have some of them again.
ALTER TABLE shards
  ADD COLUMN retired_ms bigint NOT NULL DEFAULT 0,
  ADD COLUMN retired_id text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN retired_contents text NOT NULL DEFAULT '';

-- Notes that packets of Redis have ended, at most `most` of them: one row each. What somebody is settling now waits for
-- the next time.
CREATE FUNCTION note_ended(now_ms bigint, most bigint) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' SET enable_seqscan = off AS $$
BEGIN
  RETURN QUERY
    WITH ended AS (
      SELECT p.id FROM packets p
      WHERE p.shard >= 0 AND NOT p.is_running AND p.ended_at_ms IS NULL
        AND (p.settled >= p.count OR p.refunded_fen IS NOT NULL)
      LIMIT most FOR NO KEY UPDATE SKIP LOCKED)
    UPDATE packets p
    SET ended_at_ms = GREATEST(now_ms, 1 + COALESCE((SELECT s.retired_ms FROM shards s WHERE s.shard = p.shard), 0))
    FROM ended WHERE p.id = ended.id
    RETURNING 1::bigint;
END $$;

REVOKE ALL ON FUNCTION note_ended FROM PUBLIC;

GRANT EXECUTE ON FUNCTION note_ended TO hongbao_app;
