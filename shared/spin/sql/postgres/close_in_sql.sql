SELECT close_in_sql($1, $2)
