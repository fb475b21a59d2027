#!lua
-- Binds the next share of a packet to a user, or answers the share the user has already. Runs behind admit.lua.
--
-- KEYS  packet, as admit.lua's others
-- ARGV  epoch, as admit.lua's others; where the packet has a password: what the guess is ('none', 'right', 'wrong'), what
--       the rule for guesses does and how many misses are free, the first wait and the longest (ms)
-- reply {'ok', seq, packet's epoch} | {'not_started', ms to wait} | {'sold_out'} | {'expired'} | {'missing'} | {'fenced'}
--       and to a guess {'wrong_password'} | {'limited', ms to wait} | {'denied'}
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
local guess = ARGV[16]
if guess == 'none' then return {'wrong_password'} end
if guess then
  -- Judged and counted in one step, so that of many guesses at once no more are judged than may miss. The misses are
  -- kept with the moment until which no guess is judged, and end with the packet.
  local key, action, free, wait_max = mine .. ':miss:' .. id, tonumber(ARGV[17]), tonumber(ARGV[18]), tonumber(ARGV[20])
  local misses, until_ms = string.match(redis.call('GET', key) or '0 0', '^(%d+) (%d+)$')
  -- A clock that was set back leaves nobody waiting for more than the longest wait.
  local wait_ms = math.min(until_ms - now_ms, wait_max)
  if wait_ms > 0 and action == 2 then return {'limited', wait_ms} end
  if wait_ms > 0 and action == 3 then return {'denied'} end
  if guess == 'wrong' then
    if action > 0 then
      misses = misses + 1
      if misses >= free and wait_ms <= 0 then
        until_ms = now_ms + math.min(ARGV[19] * 2 ^ math.min(misses - free, 30), wait_max)
        record('password_guess', action, 'misses=' .. misses)
      end
      redis.call('SET', key, string.format('%.0f %.0f', misses, until_ms), 'PX', expires - now_ms)
    end
    return {'wrong_password'}
  end
end
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
