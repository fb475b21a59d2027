-- What is on record about a packet: the entries that could not be settled.
SELECT evidence FROM exceptions WHERE packet = $1
