-- Notes at $1 that packets of Redis have ended, at most $2 of them; later than what has left their shard already.
SELECT note_ended($1, $2)
