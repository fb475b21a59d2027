SELECT credit, amount_fen FROM postings WHERE id = $1
