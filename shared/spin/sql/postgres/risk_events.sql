SELECT number, rule, "user", packet, action, detail, at_ms FROM risk_events
WHERE number < $1 ORDER BY number DESC LIMIT $2
