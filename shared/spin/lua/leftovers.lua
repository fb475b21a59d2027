#!lua flags=no-writes
-- Looks through a part of the server's keys for packets that another epoch left behind.
--
-- KEYS  epoch
-- ARGV  epoch, where to go on (0: at the start), what the packets' keys begin with, how many keys to look at
-- reply {'ok', where the next part goes on (0: nowhere), ids of packets …} | {'fenced'}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'fenced'} end
local part = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3] .. '*', 'COUNT', ARGV[4])
local found = {'ok', part[1]}
for _, key in ipairs(part[2]) do
  if redis.call('HGET', key, 'e') ~= ARGV[1] then found[#found + 1] = string.sub(key, #ARGV[3] + 1) end
end
return found
