-- Sending. Each money step is one function, called by one statement, so one transaction; the application has no
-- other way to money (0004_rights.sql).

-- Money from outside. Doing it twice is doing it once; the same id with other content is a conflict.
CREATE FUNCTION deposit(id text, "user" text, amount_fen bigint, at_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('deposit:' || deposit.id, 'world', 'wallet:' || deposit."user", deposit.amount_fen, deposit.at_ms)
    ON CONFLICT (id) DO NOTHING;
  IF FOUND THEN
    RETURN true;
  END IF;
  IF EXISTS (SELECT 1 FROM postings WHERE id = 'deposit:' || deposit.id
             AND (credit <> 'wallet:' || deposit."user" OR amount_fen <> deposit.amount_fen)) THEN
    RAISE EXCEPTION 'deposit_conflict';
  END IF;
  RETURN false;
END $$;

-- Send a packet. The escrow is funded and the packet exists, or neither; a second time changes nothing.
CREATE FUNCTION fund(
  id text, sender text, kind text, total_fen bigint, count bigint, recipient text, greeting text, cover text,
  password_mac text, seed bytea, created_at_ms bigint, starts_at_ms bigint, expires_at_ms bigint, shard bigint,
  day_starts_at_ms bigint, day_fen_max bigint, day_count_max bigint
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  sent_fen bigint;
  sent bigint;
BEGIN
  -- The wallet's lock lets one packet of a sender through at a time: what is read below stays true.
  PERFORM 1 FROM accounts WHERE id = 'wallet:' || fund.sender FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM packets WHERE id = fund.id) THEN
    RETURN false;
  END IF;
  SELECT COALESCE(SUM(total_fen), 0), COUNT(*) INTO sent_fen, sent
    FROM packets WHERE sender = fund.sender AND created_at_ms >= fund.day_starts_at_ms;
  IF sent_fen + fund.total_fen > fund.day_fen_max THEN
    RAISE EXCEPTION 'limit_daily_send_fen';
  ELSIF sent + 1 > fund.day_count_max THEN
    RAISE EXCEPTION 'limit_daily_send_count';
  END IF;
  INSERT INTO packets (id, sender, kind, total_fen, count, recipient, greeting, cover, password_mac, seed,
                       created_at_ms, starts_at_ms, expires_at_ms, shard)
    VALUES (fund.id, fund.sender, fund.kind, fund.total_fen, fund.count, fund.recipient, fund.greeting, fund.cover,
            fund.password_mac, fund.seed, fund.created_at_ms, fund.starts_at_ms, fund.expires_at_ms, fund.shard);
  INSERT INTO postings (id, debit, credit, amount_fen, at_ms)
    VALUES ('fund:' || fund.id, 'wallet:' || fund.sender, 'packet:' || fund.id, fund.total_fen, fund.created_at_ms);
  RETURN true;
END $$;

-- Grab under SQL authority, by the rules of grab.lua. Doing it again changes nothing.
CREATE FUNCTION grab_in_sql(packet text, "user" text, now_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  at packets;
  free_seq bigint;
BEGIN
  -- The packet's lock lets one grab through at a time: what is read below stays true.
  SELECT * INTO at FROM packets WHERE id = grab_in_sql.packet FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM claims WHERE packet = at.id AND "user" = grab_in_sql."user")
     OR EXISTS (SELECT 1 FROM grabs WHERE packet = at.id AND "user" = grab_in_sql."user") THEN
    RETURN false;
  END IF;
  -- From the top, since vouchers that a lost shard gave have low numbers.
  SELECT MAX(seq) INTO free_seq FROM generate_series(0, at.count - 1) seq
    WHERE NOT EXISTS (SELECT 1 FROM claims c WHERE c.packet = at.id AND c.seq = seq.seq)
      AND NOT EXISTS (SELECT 1 FROM grabs g WHERE g.packet = at.id AND g.seq = seq.seq);
  IF at.shard <> -1 THEN
    RAISE EXCEPTION 'not_sql_authority';
  ELSIF now_ms < at.starts_at_ms THEN
    RAISE EXCEPTION 'not_started';
  ELSIF at.id IS NOT NULL AND free_seq IS NULL THEN
    RAISE EXCEPTION 'sold_out';
  ELSIF at.closed_at_ms IS NOT NULL OR now_ms >= at.expires_at_ms THEN
    RAISE EXCEPTION 'packet_expired';
  END IF;
  INSERT INTO grabs (packet, seq, "user") SELECT at.id, free_seq, grab_in_sql."user" WHERE at.id IS NOT NULL;
  RETURN FOUND;
END $$;

-- Open under SQL authority; the share is paid at once. A voucher is a receipt: it needs no grab here, only that
-- nobody else has the share.
CREATE FUNCTION open_in_sql(packet text, seq bigint, "user" text, amount_fen bigint, now_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
#variable_conflict use_column
DECLARE
  at packets;
BEGIN
  SELECT * INTO at FROM packets WHERE id = open_in_sql.packet FOR NO KEY UPDATE;
  IF EXISTS (SELECT 1 FROM claims WHERE packet = at.id AND seq = open_in_sql.seq AND "user" = open_in_sql."user") THEN
    RETURN false;
  ELSIF at.shard <> -1 THEN
    RAISE EXCEPTION 'not_sql_authority';
  ELSIF at.closed_at_ms IS NOT NULL OR now_ms >= at.expires_at_ms THEN
    RAISE EXCEPTION 'packet_expired';
  ELSIF EXISTS (SELECT 1 FROM claims
                WHERE packet = at.id AND (seq = open_in_sql.seq OR "user" = open_in_sql."user"))
     OR EXISTS (SELECT 1 FROM grabs
                WHERE packet = at.id AND (seq = open_in_sql.seq) <> ("user" = open_in_sql."user")) THEN
    RAISE EXCEPTION 'voucher_contested';
  END IF;
  PERFORM settle_together(ARRAY[ROW('', 'open', at.id, open_in_sql.seq, open_in_sql."user", open_in_sql.amount_fen,
                                    now_ms, NULL, '')::journal_entry]);
  RETURN true;
END $$;

-- Close under SQL authority: nothing is on its way, so what is settled is what was opened.
CREATE FUNCTION close_in_sql(packet text, now_ms bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  at packets;
BEGIN
  SELECT * INTO at FROM packets WHERE id = close_in_sql.packet AND shard = -1 AND closed_at_ms IS NULL
    AND expires_at_ms <= now_ms FOR NO KEY UPDATE;
  IF FOUND THEN
    PERFORM settle_together(ARRAY[ROW('', 'close', at.id, NULL, NULL, NULL, now_ms, at.settled, '')::journal_entry]);
  END IF;
  RETURN FOUND;
END $$;

-- Moves what a dead shard held to SQL authority, under the next epoch, so that the shard is fenced when it returns.
CREATE FUNCTION move_to_sql(from_shard bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  moved bigint;
BEGIN
  PERFORM 1 FROM packets WHERE shard = from_shard AND is_running ORDER BY id FOR NO KEY UPDATE;
  UPDATE packets SET shard = -1 WHERE shard = from_shard AND is_running;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END $$;
