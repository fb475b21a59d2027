#!lua
-- Puts a packet back into a fenced shard, as the ledger knows it.
--
-- KEYS  packet, epoch, held
-- ARGV  new epoch, packet's count, number of facts, the facts as field, value …, then user, seq, opened at ms of
--       each settled share
-- reply {'ok'} | {'live'}
local packet = KEYS[1]
local epoch, count, facts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Only behind the fence: a live shard knows better.
if redis.call('GET', KEYS[2]) ~= '0' then return {'live'} end
if redis.call('DEL', packet) == 0 then redis.call('HINCRBY', KEYS[3], 'packets', 1) end
redis.call('HSET', packet, 'e', epoch, unpack(ARGV, 4, 3 + 2 * facts))
local settled = 0
for i = 4 + 2 * facts, #ARGV, 3 do
  redis.call('HSET', packet, ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2], 's' .. ARGV[i + 1], 1)
  settled = settled + 1
end
redis.call('HSET', packet, 'g', settled, 'o', settled, 'q', count - 1)
return {'ok'}
