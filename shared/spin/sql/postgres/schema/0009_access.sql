-- Guesses at the passwords of packets under the ledger's own authority: one row a person and packet, until the packet's
-- end (guess.sql forgets those that are over). Elsewhere grab.lua counts them.
CREATE TABLE guesses (
  packet     text   NOT NULL,
  "user"     text   NOT NULL,
  tries      bigint NOT NULL,
  until_ms   bigint NOT NULL,
  at_ms      bigint NOT NULL,
  ends_at_ms bigint NOT NULL,
  PRIMARY KEY (packet, "user")
);

CREATE INDEX guesses_over ON guesses (ends_at_ms);

-- Signing keys by the ids that what they signed names: until when each may have signed, so that somebody can say when one
-- is needed no more. Never the keys themselves.
CREATE TABLE signing_keys (
  id      text   PRIMARY KEY,
  last_ms bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON guesses TO hongbao_app;

GRANT SELECT, INSERT, UPDATE ON signing_keys TO hongbao_app;
