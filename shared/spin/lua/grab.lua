#!lua
-- Binds the next share of a packet to a user, or answers the share the user has already. Runs behind admit.lua.
--
-- KEYS  packet, as admit.lua's others
-- ARGV  epoch, as admit.lua's others
-- reply {'ok', seq, packet's epoch} | {'not_started', ms to wait} | {'sold_out'} | {'expired'} | {'missing'} | {'fenced'}
local packet = KEYS[1]

if shard_epoch ~= ARGV[1] then return {'fenced'} end
local f = redis.call('HMGET', packet, user, 'g', 'n', 's', 'x', 'c', 'e', 'q')
local claim, grabbed, count, starts, expires, closed, epoch, cursor = unpack(f, 1, 8)

-- A packet of another epoch was left behind by a rebuild: its truth is elsewhere.
if epoch ~= ARGV[1] then return {'missing'} end
if claim then return {'ok', tonumber(string.match(claim, '^%d+')), tonumber(epoch)} end
if now_ms < tonumber(starts) then return {'not_started', starts - now_ms} end
if tonumber(grabbed) >= tonumber(count) then return {'sold_out'} end
if closed or now_ms >= tonumber(expires) then return {'expired'} end
-- After this point the grab must succeed.
if not cursor then
  redis.call('HSET', packet, user, grabbed, 'g', grabbed + 1)
  return {'ok', tonumber(grabbed), tonumber(epoch)}
end
-- A rebuilt packet: shares are handed out from the top, since vouchers from before the loss have low numbers. All
-- above the cursor are taken, so a free one is at or below it.
local seq = tonumber(cursor)
while redis.call('HEXISTS', packet, 's' .. seq) == 1 do seq = seq - 1 end
redis.call('HSET', packet, user, seq, 'g', grabbed + 1, 'q', seq - 1, 's' .. seq, 1)
return {'ok', seq, tonumber(epoch)}
