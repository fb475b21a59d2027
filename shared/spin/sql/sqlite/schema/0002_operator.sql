-- What operators do, and what stops by itself until they have looked.
--
-- An operator's act is one row of the audit, and its effect hangs on that row's insertion: neither exists without
-- the other. `act.sql` inserts the row unless the act was done already, so doing it twice is doing it once.

-- The acts, hash-chained. Invariant: append-only; each row holds the hash of the one before, and the hash covers
-- every column (core, audit.rs). Whoever lost the race for the next number reads the head again and retries.
CREATE TABLE audit (
  number        INTEGER PRIMARY KEY,
  at_ms         INTEGER NOT NULL,
  operator      TEXT    NOT NULL,
  act           TEXT    NOT NULL,
  subject       TEXT    NOT NULL,
  amount_fen    INTEGER,
  reason        TEXT    NOT NULL,
  detail        TEXT    NOT NULL,
  previous_hash TEXT    NOT NULL,
  hash          TEXT    NOT NULL,
  CONSTRAINT audit_one_next UNIQUE (previous_hash),
  CONSTRAINT audit_hash_64 CHECK (length(hash) = 64 AND length(previous_hash) = 64)
) STRICT;

CREATE TRIGGER audit_chain BEFORE INSERT ON audit
WHEN NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM audit)
  OR NEW.previous_hash <> COALESCE((SELECT hash FROM audit ORDER BY number DESC LIMIT 1), printf('%064d', 0)) BEGIN
  SELECT RAISE(ABORT, 'audit_moved');
END;

CREATE TRIGGER audit_keep BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_stay BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the audit is append-only');
END;

-- All money there is came from the world. Invariant: it is at most 10^15 fen, so no account can hold more than an
-- amount may be.
CREATE TRIGGER postings_bound BEFORE INSERT ON postings
WHEN NEW.debit = 'world' AND NOT EXISTS (SELECT 1 FROM postings WHERE id = NEW.id) BEGIN
  SELECT RAISE(ABORT, 'world_fen') FROM accounts WHERE id = 'world' AND balance_fen - NEW.amount_fen < -1000000000000000;
END;

-- Act: money from outside into a wallet.
CREATE TRIGGER audit_deposit AFTER INSERT ON audit WHEN NEW.act = 'deposit' BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('deposit:' || NEW.subject, 'world', 'wallet:' || (NEW.detail ->> 'user'), NEW.amount_fen, NEW.at_ms);
END;

-- An exception that an operator has dealt with names the act's row. Two indexes: one a state of the list.
ALTER TABLE exceptions ADD COLUMN audit_number INTEGER;

DROP INDEX exceptions_open;

CREATE INDEX exceptions_open ON exceptions (created_at_ms, id) WHERE resolved_at_ms IS NULL;

CREATE INDEX exceptions_resolved ON exceptions (created_at_ms, id) WHERE resolved_at_ms IS NOT NULL;

CREATE INDEX exceptions_of_packet ON exceptions (packet);

-- Act: settle the recorded entry again, by the rules of the first time. Resolved only if it is settled now.
CREATE TRIGGER audit_retry AFTER INSERT ON audit WHEN NEW.act = 'retry' AND NEW.detail ->> 'kind' <> 'drift' BEGIN
  INSERT INTO settle (event, kind, packet, seq, user, amount_fen, at_ms, opened, text, now_ms)
    VALUES (NEW.detail ->> 'event', NEW.detail ->> 'kind', NEW.detail ->> 'packet', NEW.detail ->> 'seq',
            NEW.detail ->> 'user', NEW.detail ->> 'amount_fen', NEW.detail ->> 'at_ms', NEW.detail ->> 'opened',
            NEW.detail ->> 'text', NEW.at_ms);
  UPDATE exceptions SET resolved_at_ms = NEW.at_ms, resolution = 'retry', audit_number = NEW.number
    WHERE id = NEW.subject AND resolved_at_ms IS NULL AND CASE NEW.detail ->> 'kind'
      WHEN 'load'  THEN EXISTS (SELECT 1 FROM packets WHERE id = NEW.detail ->> 'packet' AND is_loaded = 1)
      WHEN 'open'  THEN EXISTS (SELECT 1 FROM claims WHERE packet = NEW.detail ->> 'packet'
                                AND seq = NEW.detail ->> 'seq' AND user = NEW.detail ->> 'user')
      WHEN 'close' THEN EXISTS (SELECT 1 FROM packets WHERE id = NEW.detail ->> 'packet'
                                AND closed_opened = NEW.detail ->> 'opened')
      ELSE 0 END;
END;

-- Act: the books of what drifted were checked again; if they are sound, refunds go on.
CREATE TRIGGER audit_recheck AFTER INSERT ON audit
WHEN NEW.act = 'retry' AND NEW.detail ->> 'kind' = 'drift' AND NEW.detail ->> 'is_sound' = 1 BEGIN
  UPDATE exceptions SET resolved_at_ms = NEW.at_ms, resolution = 'retry', audit_number = NEW.number
    WHERE id = NEW.subject AND resolved_at_ms IS NULL;
  UPDATE packets SET frozen_at_ms = NULL WHERE id = NEW.detail ->> 'packet';
END;

-- Act: pay whom the exception concerns, from suspense. What suspense lacks, the world gives in the same step, so that
-- every loss stands in the books twice: what it cost, and whom it was paid. Never from a packet's escrow.
CREATE TRIGGER audit_compensate AFTER INSERT ON audit WHEN NEW.act = 'compensate' BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    SELECT 'cover:' || NEW.subject, 'world', 'suspense', NEW.amount_fen - balance_fen, NEW.at_ms
    FROM accounts WHERE id = 'suspense' AND balance_fen < NEW.amount_fen;
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('compensate:' || NEW.subject, 'suspense', 'wallet:' || (NEW.detail ->> 'user'), NEW.amount_fen, NEW.at_ms);
  UPDATE exceptions SET resolved_at_ms = NEW.at_ms, resolution = 'compensate', audit_number = NEW.number
    WHERE id = NEW.subject AND resolved_at_ms IS NULL;
END;

-- Act: nothing is owed to anybody. A frozen packet stays frozen.
CREATE TRIGGER audit_dismiss AFTER INSERT ON audit WHEN NEW.act = 'dismiss' BEGIN
  UPDATE exceptions SET resolved_at_ms = NEW.at_ms, resolution = 'dismiss', audit_number = NEW.number
    WHERE id = NEW.subject AND resolved_at_ms IS NULL;
END;

-- Drift: books that contradict themselves. The packet's refund stops until an operator has looked.
ALTER TABLE packets ADD COLUMN frozen_at_ms INTEGER;

CREATE INDEX packets_frozen ON packets (frozen_at_ms) WHERE frozen_at_ms IS NOT NULL;

-- Procedure: subject (a packet or an account) drifts. One exception a subject, until a retry has found it sound.
CREATE VIEW drift (subject, packet, evidence, now_ms) AS SELECT '', '', '', 0 WHERE 0;

CREATE TRIGGER drift_do INSTEAD OF INSERT ON drift BEGIN
  INSERT OR IGNORE INTO exceptions (id, packet, reason, evidence, created_at_ms)
    SELECT 'ex_drift:' || NEW.subject || ':' || earlier, NEW.packet, 'drift', NEW.evidence, NEW.now_ms
    FROM (SELECT COUNT(*) AS earlier, COALESCE(SUM(resolved_at_ms IS NULL OR resolution <> 'retry'), 0) AS standing
          FROM exceptions WHERE id > 'ex_drift:' || NEW.subject || ':' AND id < 'ex_drift:' || NEW.subject || ';')
    WHERE standing = 0;
  UPDATE packets SET frozen_at_ms = NEW.now_ms WHERE id = NEW.subject AND frozen_at_ms IS NULL;
END;

-- The refund, as before, but never of a frozen packet, and only what the claims have left of the total: an escrow
-- that holds anything else drifts. A packet that is no longer frozen gets the refund it waited for.
DROP TRIGGER packets_refund;

CREATE TRIGGER packets_refund AFTER UPDATE OF settled, closed_opened, frozen_at_ms ON packets
WHEN NEW.closed_opened = NEW.settled AND NEW.settled < NEW.count AND NEW.refunded_fen IS NULL
  AND NEW.frozen_at_ms IS NULL BEGIN
  INSERT INTO drift (subject, packet, evidence, now_ms)
    SELECT NEW.id, NEW.id, 'the escrow holds ' || a.balance_fen || ' fen, the claims left ' || left_fen, NEW.closed_at_ms
    FROM accounts a, (SELECT NEW.total_fen - COALESCE(SUM(amount_fen), 0) AS left_fen FROM claims WHERE packet = NEW.id)
    WHERE a.id = 'packet:' || NEW.id AND a.balance_fen <> left_fen;
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    SELECT 'refund:' || NEW.id, a.id, 'wallet:' || NEW.sender, a.balance_fen, NEW.closed_at_ms
    FROM accounts a, packets p WHERE a.id = 'packet:' || NEW.id AND p.id = NEW.id AND p.frozen_at_ms IS NULL;
  UPDATE packets SET refunded_fen = (SELECT amount_fen FROM postings WHERE id = 'refund:' || NEW.id) WHERE id = NEW.id;
END;

-- Switches; a name that has no row is on.
CREATE TABLE switches (
  name  TEXT    PRIMARY KEY,
  is_on INTEGER NOT NULL,
  CONSTRAINT on_or_off CHECK (is_on IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_switch AFTER INSERT ON audit WHEN NEW.act = 'switch' BEGIN
  INSERT INTO switches VALUES (NEW.subject, NEW.detail ->> 'is_on')
    ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on;
END;

-- Who may not send or grab.
CREATE TABLE blacklist (
  user     TEXT    PRIMARY KEY,
  reason   TEXT    NOT NULL,
  operator TEXT    NOT NULL,
  at_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_block AFTER INSERT ON audit WHEN NEW.act = 'block' BEGIN
  INSERT INTO blacklist VALUES (NEW.subject, NEW.reason, NEW.operator, NEW.at_ms)
    ON CONFLICT (user) DO UPDATE SET reason = excluded.reason, operator = excluded.operator, at_ms = excluded.at_ms;
END;

CREATE TRIGGER audit_unblock AFTER INSERT ON audit WHEN NEW.act = 'unblock' BEGIN
  DELETE FROM blacklist WHERE user = NEW.subject;
END;

-- What a risk rule saw, whether or not it refused.
CREATE TABLE risk_events (
  number INTEGER PRIMARY KEY,
  rule   TEXT    NOT NULL,
  user   TEXT    NOT NULL,
  packet TEXT,
  action TEXT    NOT NULL,
  detail TEXT    NOT NULL,
  at_ms  INTEGER NOT NULL
) STRICT;
