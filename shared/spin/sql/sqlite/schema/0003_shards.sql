-- Shards that can be lost, and packets whose truth is here instead of in Redis.

-- The last entry of the shard's journal that is settled: a shard that has written less is an old copy.
ALTER TABLE shards ADD COLUMN settled_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE shards ADD COLUMN settled_number INTEGER NOT NULL DEFAULT 0;

-- The server process that was compared last: what was read from another one is not settled any more.
ALTER TABLE shards ADD COLUMN run_id TEXT NOT NULL DEFAULT '';

-- Until when one sweep is rebuilding the shard, Unix milliseconds.
ALTER TABLE shards ADD COLUMN lease_ms INTEGER NOT NULL DEFAULT 0;

-- packets.shard is where grabs and opens are decided: a shard of Redis, or -1 for this ledger itself ("SQL
-- authority"), which is where packets live that were sent while their shard was away.
CREATE INDEX packets_of_shard ON packets (shard, id);

-- The first entry of every batch: a batch read under another epoch or from another server process is too late.
CREATE TRIGGER settle_fence INSTEAD OF INSERT ON settle WHEN NEW.kind = 'fence' BEGIN
  SELECT RAISE(ABORT, 'epoch_is_over')
    WHERE NOT EXISTS (SELECT 1 FROM shards WHERE shard = CAST(NEW.packet AS INTEGER) AND epoch = NEW.opened
                        AND run_id = NEW.text);
  UPDATE shards SET settled_ms = NEW.at_ms, settled_number = NEW.seq
    WHERE shard = CAST(NEW.packet AS INTEGER) AND (settled_ms, settled_number) < (NEW.at_ms, NEW.seq);
END;

-- Procedure: give up the opens that closed packets of a shard still wait for. What is known of them is on record, and
-- the refund no longer waits.
CREATE VIEW forgo_lost (shard, epoch, now_ms) AS SELECT 0, 0, 0 WHERE 0;

CREATE TRIGGER forgo_lost_do INSTEAD OF INSERT ON forgo_lost BEGIN
  INSERT INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_lost:' || id || ':' || NEW.epoch, id, 'opens_lost',
           'closed with ' || closed_opened || ' shares opened, of which ' || settled || ' are settled', NEW.now_ms
    FROM packets WHERE shard = NEW.shard AND closed_opened > settled;
  UPDATE packets SET closed_opened = settled WHERE shard = NEW.shard AND closed_opened > settled;
END;

-- A receipt whose share cannot be had any more: for an operator to decide.
CREATE TRIGGER settle_contest INSTEAD OF INSERT ON settle WHEN NEW.kind = 'contest' BEGIN
  INSERT OR IGNORE INTO exceptions (id, packet, reason, evidence, created_at_ms)
    VALUES ('ex_' || NEW.event, NEW.packet, 'voucher_contested', NEW.text, NEW.now_ms);
END;

-- Shares grabbed under SQL authority; opened, they are claims too.
CREATE TABLE grabs (
  packet TEXT    NOT NULL,
  seq    INTEGER NOT NULL,
  user   TEXT    NOT NULL,
  PRIMARY KEY (packet, seq),
  UNIQUE (packet, user)
) STRICT, WITHOUT ROWID;

-- Procedure: grab under SQL authority, by the rules of grab.lua. Doing it again changes nothing.
CREATE VIEW grab_in_sql (packet, user, now_ms) AS SELECT '', '', 0 WHERE 0;

CREATE TRIGGER grab_in_sql_do INSTEAD OF INSERT ON grab_in_sql
WHEN NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND user = NEW.user)
 AND NOT EXISTS (SELECT 1 FROM grabs WHERE packet = NEW.packet AND user = NEW.user) BEGIN
  SELECT CASE WHEN shard <> -1 THEN RAISE(ABORT, 'not_sql_authority')
              WHEN NEW.now_ms < starts_at_ms THEN RAISE(ABORT, 'not_started')
              WHEN count <= (SELECT COUNT(*) FROM (SELECT seq FROM claims WHERE packet = NEW.packet
                                                   UNION SELECT seq FROM grabs WHERE packet = NEW.packet))
                THEN RAISE(ABORT, 'sold_out')
              WHEN closed_at_ms IS NOT NULL OR NEW.now_ms >= expires_at_ms THEN RAISE(ABORT, 'packet_expired') END
    FROM packets WHERE id = NEW.packet;
  -- From the top, since vouchers that a lost shard gave have low numbers.
  INSERT INTO grabs (packet, seq, user)
    SELECT NEW.packet, MIN(seq), NEW.user FROM (
      WITH RECURSIVE free (seq) AS (
        SELECT count - 1 FROM packets WHERE id = NEW.packet
        UNION ALL
        SELECT seq - 1 FROM free WHERE EXISTS (SELECT 1 FROM claims c WHERE c.packet = NEW.packet AND c.seq = free.seq)
                                    OR EXISTS (SELECT 1 FROM grabs g WHERE g.packet = NEW.packet AND g.seq = free.seq))
      SELECT seq FROM free)
    HAVING MIN(seq) >= 0;
END;

-- Procedure: open under SQL authority; the share is paid at once. A voucher is a receipt: it needs no grab here,
-- only that nobody else has the share.
CREATE VIEW open_in_sql (packet, seq, user, amount_fen, now_ms) AS SELECT '', 0, '', 0, 0 WHERE 0;

CREATE TRIGGER open_in_sql_do INSTEAD OF INSERT ON open_in_sql
WHEN NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND seq = NEW.seq AND user = NEW.user) BEGIN
  SELECT CASE WHEN shard <> -1 THEN RAISE(ABORT, 'not_sql_authority')
              WHEN closed_at_ms IS NOT NULL OR NEW.now_ms >= expires_at_ms THEN RAISE(ABORT, 'packet_expired')
              WHEN EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND (seq = NEW.seq OR user = NEW.user))
                OR EXISTS (SELECT 1 FROM grabs WHERE packet = NEW.packet AND seq = NEW.seq AND user <> NEW.user)
                OR EXISTS (SELECT 1 FROM grabs WHERE packet = NEW.packet AND seq <> NEW.seq AND user = NEW.user)
                THEN RAISE(ABORT, 'voucher_contested') END
    FROM packets WHERE id = NEW.packet;
  INSERT INTO claims (packet, seq, user, amount_fen, opened_at_ms)
    VALUES (NEW.packet, NEW.seq, NEW.user, NEW.amount_fen, NEW.now_ms);
END;
