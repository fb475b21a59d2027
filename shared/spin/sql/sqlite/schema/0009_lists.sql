-- The sweep's work lists, a shard at a time, in pages.

-- Where each list goes on: its name, and the packet behind which it does.
CREATE TABLE places (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

DROP INDEX packets_unclosed;

CREATE INDEX packets_due ON packets (shard, expires_at_ms, id) WHERE closed_at_ms IS NULL AND settled < count;

-- Not those that SQL decides, which no shard ever confirms.
DROP INDEX packets_unloaded;

CREATE INDEX packets_unloaded ON packets (shard, created_at_ms, id)
  WHERE is_loaded = 0 AND shard >= 0 AND closed_at_ms IS NULL;

DROP INDEX packets_scheduled;

CREATE INDEX packets_scheduled ON packets (shard, starts_at_ms, id)
  WHERE starts_at_ms > created_at_ms AND closed_at_ms IS NULL;
