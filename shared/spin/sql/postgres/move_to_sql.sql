SELECT move_to_sql($1)
