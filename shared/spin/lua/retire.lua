#!lua flags=allow-oom
-- Removes packets that have ended, whatever epoch left them here. On a full server too: it makes room.
--
-- KEYS  epoch, held, then the packets
-- ARGV  epoch
-- reply {'ok', how many were there} | {'fenced'}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'fenced'} end
local removed = 0
for i = 3, #KEYS do removed = removed + redis.call('UNLINK', KEYS[i]) end
if removed > 0 then redis.call('HINCRBY', KEYS[2], 'packets', -removed) end
return {'ok', removed}
