-- The ledger. Statements end at a blank line; a trigger has none inside.
--
-- Every money step is one INSERT into a table or into a "procedure": a view whose INSTEAD OF trigger does the
-- work. One statement is one transaction, so that no step is ever half done and no connection holds one open.

-- An account: wallet:<user>, packet:<id> (escrow), world (money from outside), suspense (losses under repair).
-- Invariant: nobody owes the system; only the world gives more than it got.
CREATE TABLE accounts (
  id          TEXT PRIMARY KEY,
  balance_fen INTEGER NOT NULL,
  CONSTRAINT balance_not_negative CHECK (balance_fen >= 0 OR id = 'world')
) STRICT, WITHOUT ROWID;

INSERT INTO accounts VALUES ('world', 0), ('suspense', 0);

-- Double entry: what leaves one account enters another. Invariant: append-only, one row a natural id.
CREATE TABLE postings (
  number     INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL UNIQUE,
  debit      TEXT    NOT NULL,
  credit     TEXT    NOT NULL,
  amount_fen INTEGER NOT NULL,
  at_ms      INTEGER NOT NULL,
  CONSTRAINT amount_positive CHECK (amount_fen > 0),
  CONSTRAINT two_accounts CHECK (debit <> credit)
) STRICT;

CREATE INDEX postings_of_debit ON postings (debit, number);

CREATE INDEX postings_of_credit ON postings (credit, number);

-- Invariant: a balance is the sum of its postings, because only a posting moves it.
CREATE TRIGGER postings_move AFTER INSERT ON postings BEGIN
  INSERT OR IGNORE INTO accounts VALUES (NEW.debit, 0), (NEW.credit, 0);
  UPDATE accounts SET balance_fen = balance_fen - NEW.amount_fen WHERE id = NEW.debit;
  UPDATE accounts SET balance_fen = balance_fen + NEW.amount_fen WHERE id = NEW.credit;
END;

CREATE TRIGGER postings_keep BEFORE UPDATE ON postings BEGIN
  SELECT RAISE(ABORT, 'postings are append-only: correct by a new posting');
END;

CREATE TRIGGER postings_stay BEFORE DELETE ON postings BEGIN
  SELECT RAISE(ABORT, 'postings are append-only: correct by a new posting');
END;

-- A packet: its facts, and how far it is settled.
CREATE TABLE packets (
  id            TEXT    PRIMARY KEY,
  sender        TEXT    NOT NULL,
  kind          TEXT    NOT NULL,
  total_fen     INTEGER NOT NULL,
  count         INTEGER NOT NULL,
  recipient     TEXT    NOT NULL,
  greeting      TEXT,
  cover         TEXT,
  password_mac  TEXT,
  seed          BLOB    NOT NULL,
  created_at_ms INTEGER NOT NULL,
  starts_at_ms  INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  shard         INTEGER NOT NULL,
  is_loaded     INTEGER NOT NULL DEFAULT 0,
  settled       INTEGER NOT NULL DEFAULT 0,
  closed_at_ms  INTEGER,
  closed_opened INTEGER,
  refunded_fen  INTEGER,
  CONSTRAINT a_fen_a_share CHECK (count >= 1 AND total_fen >= count),
  CONSTRAINT seed_32_bytes CHECK (length(seed) = 32),
  CONSTRAINT settled_within_count CHECK (settled BETWEEN 0 AND count)
) STRICT, WITHOUT ROWID;

CREATE INDEX packets_of_sender ON packets (sender, created_at_ms);

-- What the sweep looks for: packets that may have to be closed, and packets no shard has confirmed.
CREATE INDEX packets_unclosed ON packets (expires_at_ms) WHERE closed_at_ms IS NULL AND settled < count;

CREATE INDEX packets_unloaded ON packets (created_at_ms) WHERE is_loaded = 0;

-- An opened share, paid. Invariant: a share is paid once, and a user is paid once a packet.
CREATE TABLE claims (
  packet       TEXT    NOT NULL,
  seq          INTEGER NOT NULL,
  user         TEXT    NOT NULL,
  amount_fen   INTEGER NOT NULL,
  opened_at_ms INTEGER NOT NULL,
  is_best      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (packet, seq),
  CONSTRAINT one_share_a_user UNIQUE (packet, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_of_user ON claims (user, opened_at_ms);

-- A claim is a payout: one cannot exist without the other.
CREATE TRIGGER claims_pay AFTER INSERT ON claims BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('open:' || NEW.packet || ':' || NEW.seq, 'packet:' || NEW.packet, 'wallet:' || NEW.user,
            NEW.amount_fen, NEW.opened_at_ms);
  UPDATE packets SET settled = settled + 1 WHERE id = NEW.packet;
END;

-- The refund: what the escrow still holds, once, when as many shares are settled as were opened at the close.
CREATE TRIGGER packets_refund AFTER UPDATE OF settled, closed_opened ON packets
WHEN NEW.closed_opened = NEW.settled AND NEW.settled < NEW.count AND NEW.refunded_fen IS NULL BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    SELECT 'refund:' || NEW.id, id, 'wallet:' || NEW.sender, balance_fen, NEW.closed_at_ms
    FROM accounts WHERE id = 'packet:' || NEW.id;
  UPDATE packets SET refunded_fen = (SELECT amount_fen FROM postings WHERE id = 'refund:' || NEW.id) WHERE id = NEW.id;
END;

-- Best luck, once every share is settled; the earliest share wins a tie.
CREATE TRIGGER packets_best AFTER UPDATE OF settled ON packets
WHEN NEW.settled = NEW.count AND OLD.settled < NEW.count BEGIN
  UPDATE claims SET is_best = 1 WHERE packet = NEW.id
    AND seq = (SELECT seq FROM claims WHERE packet = NEW.id ORDER BY amount_fen DESC, seq LIMIT 1);
END;

-- What no rule can decide, with its evidence. Invariant: one row an event, so a retry adds none.
CREATE TABLE exceptions (
  id            TEXT    PRIMARY KEY,
  packet        TEXT    NOT NULL,
  reason        TEXT    NOT NULL,
  evidence      TEXT    NOT NULL,
  created_at_ms INTEGER NOT NULL,
  resolved_at_ms INTEGER,
  resolution    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX exceptions_open ON exceptions (created_at_ms) WHERE resolved_at_ms IS NULL;

-- Procedure: money from outside. Doing it twice is doing it once; the same id with other content is a conflict.
CREATE VIEW deposit (id, user, amount_fen, at_ms) AS SELECT '', '', 0, 0 WHERE 0;

CREATE TRIGGER deposit_do INSTEAD OF INSERT ON deposit BEGIN
  SELECT RAISE(ABORT, 'conflict') FROM postings WHERE id = 'deposit:' || NEW.id
    AND (credit <> 'wallet:' || NEW.user OR amount_fen <> NEW.amount_fen);
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    SELECT 'deposit:' || NEW.id, 'world', 'wallet:' || NEW.user, NEW.amount_fen, NEW.at_ms
    WHERE NOT EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || NEW.id);
END;

-- Procedure: send a packet. The escrow is funded and the packet exists, or neither; a second time changes nothing.
CREATE VIEW fund (id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
                  created_at_ms, starts_at_ms, expires_at_ms, shard, day_starts_at_ms, day_fen_max, day_count_max)
  AS SELECT '', '', '', 0, 0, '', '', '', '', x'', 0, 0, 0, 0, 0, 0, 0 WHERE 0;

CREATE TRIGGER fund_do INSTEAD OF INSERT ON fund
WHEN NOT EXISTS (SELECT 1 FROM packets WHERE id = NEW.id) BEGIN
  SELECT CASE WHEN sent_fen + NEW.total_fen > NEW.day_fen_max THEN RAISE(ABORT, 'limit_daily_send_fen')
              WHEN sent + 1 > NEW.day_count_max THEN RAISE(ABORT, 'limit_daily_send_count') END
    FROM (SELECT COALESCE(SUM(total_fen), 0) AS sent_fen, COUNT(*) AS sent
          FROM packets WHERE sender = NEW.sender AND created_at_ms >= NEW.day_starts_at_ms);
  INSERT INTO packets (id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
                       created_at_ms, starts_at_ms, expires_at_ms, shard)
    VALUES (NEW.id, NEW.sender, NEW.kind, NEW.total_fen, NEW.count, NEW.recipient, NEW.greeting, NEW.cover,
            NEW.password_mac, NEW.seed, NEW.created_at_ms, NEW.starts_at_ms, NEW.expires_at_ms, NEW.shard);
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('fund:' || NEW.id, 'wallet:' || NEW.sender, 'packet:' || NEW.id, NEW.total_fen, NEW.created_at_ms);
END;

-- Procedure: settle one entry of the journal. A contradiction never stops the batch: it goes to exceptions.
CREATE VIEW settle (event, kind, packet, seq, user, amount_fen, at_ms, opened, text, now_ms)
  AS SELECT '', '', '', 0, '', 0, 0, 0, '', 0 WHERE 0;

CREATE TRIGGER settle_load INSTEAD OF INSERT ON settle WHEN NEW.kind = 'load' BEGIN
  UPDATE packets SET is_loaded = 1 WHERE id = NEW.packet AND is_loaded = 0;
END;

CREATE TRIGGER settle_open INSTEAD OF INSERT ON settle WHEN NEW.kind = 'open' BEGIN
  -- Not OR IGNORE: that would hold for the triggers behind it too, and a broken CHECK there must stop everything.
  INSERT INTO claims (packet, seq, user, amount_fen, opened_at_ms)
    SELECT NEW.packet, NEW.seq, NEW.user, NEW.amount_fen, NEW.at_ms
    FROM accounts WHERE id = 'packet:' || NEW.packet AND balance_fen >= NEW.amount_fen
      AND NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND seq = NEW.seq)
      AND NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND user = NEW.user);
  INSERT OR IGNORE INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_' || NEW.event, NEW.packet,
      CASE WHEN NOT EXISTS (SELECT 1 FROM packets WHERE id = NEW.packet) THEN 'unknown_packet'
           WHEN EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND seq = NEW.seq) THEN 'share_claimed_twice'
           WHEN EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND user = NEW.user) THEN 'user_claimed_twice'
           ELSE 'escrow_empty' END,
      NEW.text, NEW.now_ms
    WHERE NOT EXISTS (SELECT 1 FROM claims WHERE packet = NEW.packet AND seq = NEW.seq AND user = NEW.user);
END;

CREATE TRIGGER settle_close INSTEAD OF INSERT ON settle WHEN NEW.kind = 'close' BEGIN
  UPDATE packets SET closed_at_ms = NEW.at_ms, closed_opened = NEW.opened WHERE id = NEW.packet AND closed_at_ms IS NULL;
  INSERT OR IGNORE INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_' || NEW.event, NEW.packet,
      CASE WHEN EXISTS (SELECT 1 FROM packets WHERE id = NEW.packet) THEN 'closed_twice' ELSE 'unknown_packet' END,
      NEW.text, NEW.now_ms
    WHERE NOT EXISTS (SELECT 1 FROM packets WHERE id = NEW.packet AND closed_opened = NEW.opened);
END;

-- What no rule could even read.
CREATE TRIGGER settle_poison INSTEAD OF INSERT ON settle WHEN NEW.kind = 'poison' BEGIN
  INSERT OR IGNORE INTO exceptions (id, packet, reason, evidence, created_at_ms)
    VALUES ('ex_' || NEW.event, NEW.packet, 'poison', NEW.text, NEW.now_ms);
END;

-- Keys that this ledger made for itself where the configuration names none; see config.rs.
CREATE TABLE local_keys (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a shard of Redis: the epoch under which its contents are trusted.
CREATE TABLE shards (
  shard INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL
) STRICT;
