-- Retention: a packet leaves its shard of Redis a while after it has ended and a sweep has noted so.

-- When the end was noted: every share settled, or what was left refunded. Not when it happened: a mark that moves along
-- this column never passes a packet it has not seen, however late that was settled.
ALTER TABLE packets ADD COLUMN ended_at_ms INTEGER;

-- Packets whose end is still to be noted; those from before this version too, by and by.
CREATE INDEX packets_ended_unnoted ON packets (shard)
  WHERE ended_at_ms IS NULL AND (settled >= count OR refunded_fen IS NOT NULL);

CREATE INDEX packets_ended ON packets (shard, ended_at_ms, id) WHERE ended_at_ms IS NOT NULL;

-- Up to where the packets of the shard have left it, and which contents (epoch and server process): other contents may
-- have some of them again.
ALTER TABLE shards ADD COLUMN retired_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE shards ADD COLUMN retired_id TEXT NOT NULL DEFAULT '';

ALTER TABLE shards ADD COLUMN retired_contents TEXT NOT NULL DEFAULT '';
