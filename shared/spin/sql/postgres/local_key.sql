SELECT value FROM local_keys WHERE name = $1
