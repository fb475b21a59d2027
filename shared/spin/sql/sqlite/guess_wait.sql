SELECT until_ms FROM guesses WHERE packet = ?1 AND user = ?2
