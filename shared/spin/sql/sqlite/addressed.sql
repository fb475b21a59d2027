-- Packets to ?1 (a group, or one user) below the place ?3, ?4, newest first; with what ?2 was paid of each.
SELECT p.id, p.sender, p.kind, p.total_fen, p.count, p.greeting, p.cover, p.password_mac IS NOT NULL,
       p.settled, p.closed_at_ms, p.created_at_ms, p.starts_at_ms, p.expires_at_ms, c.amount_fen
FROM packets p LEFT JOIN claims c ON c.packet = p.id AND c.user = ?2
WHERE p.recipient = ?1 AND (p.created_at_ms, p.id) < (?3, ?4)
ORDER BY p.created_at_ms DESC, p.id DESC LIMIT ?5
