#!lua
-- Loads a funded packet into the race, once.
--
-- KEYS  packet, events, epoch, held
-- ARGV  epoch, packet id, then the facts as field, value, field, value …
-- reply {'ok'} | {'again'} | {'fenced'}
local packet, events, epoch, held = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

if redis.call('GET', epoch) ~= ARGV[1] then return {'fenced'} end
if redis.call('HGET', packet, 'e') == ARGV[1] then return {'again'} end
-- After this point the load must succeed. Claims of another epoch, left behind by a loss, go first.
if redis.call('DEL', packet) == 0 then redis.call('HINCRBY', held, 'packets', 1) end
redis.call('HSET', packet, 'e', ARGV[1], 'g', 0, 'o', 0, unpack(ARGV, 3))
redis.call('XADD', events, '*', 'e', 'load ' .. ARGV[2] .. ' ' .. ARGV[1])
return {'ok'}
