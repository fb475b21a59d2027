SELECT deposit($1, $2, $3, $4)
