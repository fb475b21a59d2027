-- What stands about these packets ($1: a JSON list of ids), from every table that has a say; core, books.rs, judges.
SELECT p.id, p.total_fen, p.count, p.settled, p.closed_opened, p.refunded_fen, p.frozen_at_ms,
  (SELECT balance_fen FROM accounts WHERE id = 'packet:' || p.id) AS escrow_fen,
  COALESCE((SELECT SUM(amount_fen) FROM postings WHERE credit = 'packet:' || p.id), 0)::bigint AS in_fen,
  COALESCE((SELECT SUM(amount_fen) FROM postings WHERE debit = 'packet:' || p.id), 0)::bigint AS out_fen,
  (SELECT COUNT(*) FROM postings WHERE debit = 'packet:' || p.id) AS outs,
  (SELECT amount_fen FROM postings WHERE id = 'fund:' || p.id
     AND debit = 'wallet:' || p.sender AND credit = 'packet:' || p.id) AS funded_fen,
  (SELECT amount_fen FROM postings WHERE id = 'refund:' || p.id
     AND debit = 'packet:' || p.id AND credit = 'wallet:' || p.sender) AS refund_fen,
  (SELECT COUNT(*) FROM claims WHERE packet = p.id) AS claims,
  COALESCE((SELECT SUM(amount_fen) FROM claims WHERE packet = p.id), 0)::bigint AS claimed_fen,
  (SELECT COUNT(*) FROM claims c JOIN postings o ON o.id = 'open:' || c.packet || ':' || c.seq
     AND o.debit = 'packet:' || c.packet AND o.credit = 'wallet:' || c."user" AND o.amount_fen = c.amount_fen
   WHERE c.packet = p.id) AS paid
FROM packets p WHERE p.id = ANY (ARRAY(SELECT json_array_elements_text($1::text::json)))
