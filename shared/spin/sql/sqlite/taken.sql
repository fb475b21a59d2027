-- How many shares of packet ?1 somebody has: grabbed under SQL authority, or paid.
SELECT COUNT(*) FROM (SELECT seq FROM claims WHERE packet = ?1 UNION SELECT seq FROM grabs WHERE packet = ?1)
