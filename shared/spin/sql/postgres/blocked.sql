SELECT "user", reason, operator, at_ms FROM blacklist WHERE "user" = $1
