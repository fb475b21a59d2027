#!lua
-- Puts packets back into the race under the shard's epoch, as the ledger knows them. What is in the race already stays
-- as it is: the race knows better.
--
-- KEYS  epoch, events, held, then the packets
-- ARGV  epoch, then of each packet: its id, 1 if the ledger has it confirmed by a shard, its count, how many facts and
--       how many settled shares follow, the facts as field, value …, and user, seq, opened at ms of each share
-- reply {'ok', how many were put back} | {'fenced'}
local epoch, at, put = ARGV[1], 2, 0

if redis.call('GET', KEYS[1]) ~= epoch then return {'fenced'} end
for key = 4, #KEYS do
  local packet, id, is_confirmed = KEYS[key], ARGV[at], ARGV[at + 1]
  local count, facts, settled = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local shares = at + 5 + 2 * facts
  if redis.call('HGET', packet, 'e') ~= epoch then
    -- What another epoch left behind goes first.
    if redis.call('DEL', packet) == 0 then redis.call('HINCRBY', KEYS[3], 'packets', 1) end
    redis.call('HSET', packet, 'e', epoch, 'g', settled, 'o', settled, 'q', count - 1, unpack(ARGV, at + 5, shares - 1))
    for i = shares, shares + 3 * settled - 1, 3 do
      redis.call('HSET', packet, ARGV[i], ARGV[i + 1] .. ':' .. ARGV[i + 2], 's' .. ARGV[i + 1], 1)
    end
    if is_confirmed ~= '1' then redis.call('XADD', KEYS[2], '*', 'e', 'load ' .. id .. ' ' .. epoch) end
    put = put + 1
  end
  at = shares + 3 * settled
end
return {'ok', put}
