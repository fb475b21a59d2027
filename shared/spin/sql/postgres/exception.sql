SELECT e.id, e.packet, e.reason, e.evidence, e.created_at_ms, e.resolved_at_ms, e.resolution, a.operator, a.reason,
       a.amount_fen, a.number
FROM exceptions e LEFT JOIN audit a ON a.number = e.audit_number
WHERE e.id = $1
