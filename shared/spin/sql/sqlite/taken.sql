-- How many shares of packet ?1 others than user ?2 have: grabbed under SQL authority, or paid.
SELECT COUNT(*) FROM (
  SELECT seq FROM claims WHERE packet = ?1 AND user <> ?2 UNION SELECT seq FROM grabs WHERE packet = ?1 AND user <> ?2)
