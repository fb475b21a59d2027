-- The ledger in PostgreSQL: the same accounts, postings, packets and claims as in SQLite.
--
-- Ids compare by bytes (COLLATE "C"), as in SQLite and in Rust: sorting and locking follow one order everywhere.
-- Whole numbers are all bigint, because the bindings match widths exactly.

-- An account: wallet:<user>, packet:<id> (escrow), world (money from outside), suspense (losses under repair).
-- Invariant: nobody owes the system; only the world gives more than it got, and it gives at most 10^15 fen, so
-- that no account can hold more than an amount may be.
-- A page keeps room for new versions of its rows, so that a changed balance touches no index.
CREATE TABLE accounts (
  id          text COLLATE "C" PRIMARY KEY,
  balance_fen bigint NOT NULL,
  CONSTRAINT balance_not_negative CHECK (balance_fen >= 0 OR id = 'world'),
  CONSTRAINT world_fen CHECK (balance_fen >= -1000000000000000)
) WITH (fillfactor = 70);

INSERT INTO accounts VALUES ('world', 0), ('suspense', 0);

-- Double entry: what leaves one account enters another. Invariant: append-only, one row a natural id.
CREATE TABLE postings (
  number     bigint GENERATED ALWAYS AS IDENTITY,
  id         text COLLATE "C" PRIMARY KEY,
  debit      text COLLATE "C" NOT NULL,
  credit     text COLLATE "C" NOT NULL,
  amount_fen bigint NOT NULL,
  at_ms      bigint NOT NULL,
  CONSTRAINT amount_positive CHECK (amount_fen > 0),
  CONSTRAINT two_accounts CHECK (debit <> credit)
);

CREATE INDEX postings_of_debit ON postings (debit, number);

CREATE INDEX postings_of_credit ON postings (credit, number);

-- Makes the accounts that are missing and locks all, in the order of their ids.
-- Invariant: a transaction locks its accounts through one call of this, so that no two wait for each other.
CREATE FUNCTION lock_accounts(ids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO accounts
    SELECT id, 0 FROM (SELECT DISTINCT unnest(ids) COLLATE "C" AS id) wanted
    WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = wanted.id)
    ORDER BY id ON CONFLICT DO NOTHING;
  PERFORM 1 FROM accounts WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
END $$;

-- Invariant: a balance is the sum of its postings, because only a posting moves it. However many postings a
-- statement makes, each account changes once.
CREATE FUNCTION postings_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM lock_accounts(ARRAY(SELECT debit FROM made UNION SELECT credit FROM made));
  UPDATE accounts SET balance_fen = balance_fen + moved.fen
    FROM (SELECT id, SUM(fen)::bigint AS fen
          FROM (SELECT debit AS id, -amount_fen AS fen FROM made UNION ALL SELECT credit, amount_fen FROM made) move
          GROUP BY id) moved
    WHERE accounts.id = moved.id;
  RETURN NULL;
END $$;

CREATE TRIGGER postings_move AFTER INSERT ON postings REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION postings_move();

-- Holds for everybody, owner included; maintenance has to switch the trigger off by name.
CREATE FUNCTION postings_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'postings are append-only: correct by a new posting';
END $$;

CREATE TRIGGER postings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
  FOR EACH STATEMENT EXECUTE FUNCTION postings_stay();

-- A packet: its facts, and how far it is settled. `shard` is where grabs and opens are decided: a shard of Redis, or
-- -1 for this ledger itself ("SQL authority"), which is where packets live that were sent while their shard was away.
-- Tables with a packet's id are split by it: the key by which they can be spread further.
CREATE TABLE packets (
  id            text COLLATE "C" PRIMARY KEY,
  sender        text COLLATE "C" NOT NULL,
  kind          text NOT NULL,
  total_fen     bigint NOT NULL,
  count         bigint NOT NULL,
  recipient     text NOT NULL,
  greeting      text,
  cover         text,
  password_mac  text,
  seed          bytea NOT NULL,
  created_at_ms bigint NOT NULL,
  starts_at_ms  bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  shard         bigint NOT NULL,
  is_loaded     boolean NOT NULL DEFAULT false,
  settled       bigint NOT NULL DEFAULT 0,
  closed_at_ms  bigint,
  closed_opened bigint,
  refunded_fen  bigint,
  -- Since when the books of this packet contradict themselves: then nothing is refunded.
  frozen_at_ms  bigint,
  -- Stands in the index instead of `settled`, so that a settled share touches no index.
  is_running    boolean NOT NULL GENERATED ALWAYS AS (closed_at_ms IS NULL AND settled < count) STORED,
  CONSTRAINT a_fen_a_share CHECK (count >= 1 AND total_fen >= count),
  CONSTRAINT seed_32_bytes CHECK (length(seed) = 32),
  CONSTRAINT settled_within_count CHECK (settled BETWEEN 0 AND count)
) PARTITION BY HASH (id);

-- An opened share, paid. Invariant: a share is paid once, and a user is paid once a packet.
CREATE TABLE claims (
  packet       text COLLATE "C" NOT NULL,
  seq          bigint NOT NULL,
  "user"       text COLLATE "C" NOT NULL,
  amount_fen   bigint NOT NULL,
  opened_at_ms bigint NOT NULL,
  is_best      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (packet, seq),
  CONSTRAINT one_share_a_user UNIQUE (packet, "user")
) PARTITION BY HASH (packet);

-- Shares grabbed under SQL authority; opened, they are claims too.
CREATE TABLE grabs (
  packet text COLLATE "C" NOT NULL,
  seq    bigint NOT NULL,
  "user" text COLLATE "C" NOT NULL,
  PRIMARY KEY (packet, seq),
  UNIQUE (packet, "user")
) PARTITION BY HASH (packet);

DO $$
BEGIN
  FOR part IN 0..7 LOOP
    EXECUTE format('CREATE TABLE packets_%s PARTITION OF packets FOR VALUES WITH (MODULUS 8, REMAINDER %s)
                    WITH (fillfactor = 70)', part, part);
    EXECUTE format('CREATE TABLE claims_%s PARTITION OF claims FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
                   part, part);
    EXECUTE format('CREATE TABLE grabs_%s PARTITION OF grabs FOR VALUES WITH (MODULUS 8, REMAINDER %s)', part, part);
  END LOOP;
END $$;

CREATE INDEX packets_of_sender ON packets (sender, created_at_ms, id);

-- What the sweep looks for: packets that may have to be closed, and packets no shard has confirmed.
CREATE INDEX packets_unclosed ON packets (expires_at_ms) WHERE is_running;

CREATE INDEX packets_unloaded ON packets (created_at_ms) WHERE NOT is_loaded;

-- What a shard has to hold, and whether it ever held anything.
CREATE INDEX packets_running ON packets (shard, id) WHERE is_running;

CREATE INDEX packets_of_shard ON packets (shard);

CREATE INDEX claims_of_user ON claims ("user", opened_at_ms, packet);

-- What no rule can decide, with its evidence. Invariant: one row an event, so a retry adds none.
CREATE TABLE exceptions (
  id             text COLLATE "C" PRIMARY KEY,
  packet         text COLLATE "C" NOT NULL,
  reason         text NOT NULL,
  evidence       text NOT NULL,
  created_at_ms  bigint NOT NULL,
  resolved_at_ms bigint,
  resolution     text
);

CREATE INDEX exceptions_open ON exceptions (created_at_ms) WHERE resolved_at_ms IS NULL;

-- Keys that this ledger made for itself where the configuration names none; see config.rs.
CREATE TABLE local_keys (
  name  text PRIMARY KEY,
  value text NOT NULL
);

-- One row a shard of Redis: the epoch under which its contents are trusted; the last entry of its journal that is
-- settled (a shard that has written less is an old copy); until when one sweep is rebuilding it; the server process
-- that was compared last (what was read from another one is not settled any more).
CREATE TABLE shards (
  shard          bigint PRIMARY KEY,
  epoch          bigint NOT NULL,
  settled_ms     bigint NOT NULL DEFAULT 0,
  settled_number bigint NOT NULL DEFAULT 0,
  lease_ms       bigint NOT NULL DEFAULT 0,
  run_id         text   NOT NULL DEFAULT ''
);
