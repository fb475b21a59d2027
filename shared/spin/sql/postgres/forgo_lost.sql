SELECT forgo_lost($1, $2, $3)
