-- Guesses at the passwords of packets under the ledger's own authority: one row a person and packet, until the packet's
-- end. Elsewhere grab.lua counts them.
CREATE TABLE guesses (
  packet     TEXT    NOT NULL,
  user       TEXT    NOT NULL,
  tries      INTEGER NOT NULL,
  until_ms   INTEGER NOT NULL,
  at_ms      INTEGER NOT NULL,
  ends_at_ms INTEGER NOT NULL,
  PRIMARY KEY (packet, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX guesses_over ON guesses (ends_at_ms);

-- Invariant: the table holds no more than live packets have: each row that comes takes two that are over with it.
CREATE TRIGGER guesses_forget AFTER INSERT ON guesses BEGIN
  DELETE FROM guesses WHERE (packet, user) IN
    (SELECT packet, user FROM guesses WHERE ends_at_ms < NEW.at_ms AND packet <> NEW.packet ORDER BY ends_at_ms LIMIT 2);
END;

-- Signing keys by the ids that what they signed names: until when each may have signed, so that somebody can say when one
-- is needed no more. Never the keys themselves.
CREATE TABLE signing_keys (
  id      TEXT    PRIMARY KEY,
  last_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
