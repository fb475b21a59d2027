-- What operators set while the system runs, shards that are given up, and what risk rules saw.

-- Settings: the ladder's level, the weights of shards, risk rules. A name that has no row is at its default.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_set AFTER INSERT ON audit WHEN NEW.act = 'set' BEGIN
  INSERT INTO settings VALUES (NEW.subject, NEW.detail ->> 'value')
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
END;

-- Act: the packets that a dead shard held live here from now on, under its next epoch, so that the shard is fenced when
-- it returns. Not while a sweep rebuilds it, and not if it is another one than the operator saw.
CREATE TRIGGER audit_move_shard AFTER INSERT ON audit WHEN NEW.act = 'move_shard' BEGIN
  SELECT RAISE(ABORT, 'epoch_is_over') WHERE NOT EXISTS (
    SELECT 1 FROM shards WHERE shard = CAST(NEW.subject AS INTEGER) AND epoch = NEW.detail ->> 'epoch'
      AND lease_ms <= NEW.at_ms);
  UPDATE shards SET epoch = MAX(epoch + 1, NEW.at_ms / 1000) WHERE shard = CAST(NEW.subject AS INTEGER);
  UPDATE packets SET shard = -1
    WHERE shard = CAST(NEW.subject AS INTEGER) AND closed_at_ms IS NULL AND settled < count;
END;

-- The journal's entry that told of it: an entry settled again adds no row.
ALTER TABLE risk_events ADD COLUMN event TEXT;

CREATE UNIQUE INDEX risk_events_of_event ON risk_events (event);

-- What the sweep makes sure of ahead of its start: packets that open later than they were sent.
CREATE INDEX packets_scheduled ON packets (starts_at_ms) WHERE starts_at_ms > created_at_ms;
