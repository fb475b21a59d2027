SELECT open_in_sql($1, $2, $3, $4, $5)
