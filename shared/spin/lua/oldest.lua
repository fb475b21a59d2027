#!lua flags=no-writes
-- How much of a journal waits, and what is known of the oldest entry.
--
-- KEYS  events
-- ARGV  how many entries
-- reply {now ms, entries, the last step back of the clock: low or '', at or ''; then of the first entries: id, text}
local now = redis.call('TIME')
local noted = redis.call('HMGET', KEYS[1] .. ':back', 'low', 'at')
local reply = {now[1] * 1000 + math.floor(now[2] / 1000), redis.call('XLEN', KEYS[1]), noted[1] or '', noted[2] or ''}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[1])) do
  reply[#reply + 1], reply[#reply + 2] = entry[1], entry[2][2] or ''
end
return reply
