SELECT grab_in_sql($1, $2, $3)
