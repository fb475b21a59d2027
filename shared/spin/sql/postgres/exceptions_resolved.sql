-- Exceptions that were dealt with and how, newest first, below the one with id $1 (all where there is none such).
SELECT e.id, e.packet, e.reason, e.evidence, e.created_at_ms, e.resolved_at_ms, e.resolution, a.operator, a.reason,
       a.amount_fen, a.number
FROM exceptions e LEFT JOIN audit a ON a.number = e.audit_number
WHERE e.resolved_at_ms IS NOT NULL
  AND (e.created_at_ms, e.id) < (COALESCE((SELECT created_at_ms FROM exceptions WHERE id = $1), 9223372036854775807), $1)
ORDER BY e.created_at_ms DESC, e.id DESC LIMIT $2
