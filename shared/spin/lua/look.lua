#!lua flags=allow-oom
-- A packet as one person may see it: counters and the person's own share, at a cost that does not grow with the packet;
-- of a small packet everybody's shares, where the person may see them. What it writes is a bucket, so a full server
-- still answers.
--
-- KEYS  packet, epoch, the user's bucket
-- ARGV  epoch, user, 1 if the user sent the packet, the shares of a small packet at most; the microseconds that a token
--       takes and those of a full bucket (0: no limit)
-- reply {'ok', now ms, grabbed, opened, 1 if closed, the user's claim or '', then field, value … of the packet's hash
--       where everybody's shares are told} | {'limited', ms to wait} | {'missing'} | {'fenced'}
local packet, bucket, user = KEYS[1], KEYS[3], ARGV[2]
local token_us, full_us = tonumber(ARGV[5]), tonumber(ARGV[6])

if redis.call('GET', KEYS[2]) ~= ARGV[1] then return {'fenced'} end
local now = redis.call('TIME')
local now_us = now[1] * 1000000 + now[2]
-- A bucket is kept as in admit.lua: as the time at which it will be full.
if token_us > 0 then
  local full_at = tonumber(redis.call('GET', bucket) or now_us)
  full_at = math.min(math.max(full_at, now_us), now_us + full_us) + token_us
  if full_at > now_us + full_us then return {'limited', math.ceil((full_at - now_us - full_us) / 1000)} end
  redis.set_repl(redis.REPL_NONE)
  redis.call('SET', bucket, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now_us) / 1000))
  redis.set_repl(redis.REPL_ALL)
end
local f = redis.call('HMGET', packet, user, 'g', 'o', 'n', 'c', 'e')
local claim, grabbed, opened, count, closed, epoch = unpack(f, 1, 6)

if epoch ~= ARGV[1] then return {'missing'} end
-- Not by a clock, even this one: a clock that is set back lets people grab again.
local is_closed = closed
local is_over = is_closed or tonumber(opened) >= tonumber(count)
local has_opened = claim and string.find(claim, ':', 1, true)
local reply = {'ok', math.floor(now_us / 1000), grabbed, opened, is_closed and 1 or 0, claim or ''}
if (is_over or has_opened or ARGV[3] == '1') and tonumber(count) <= tonumber(ARGV[4]) then
  for _, word in ipairs(redis.call('HGETALL', packet)) do reply[#reply + 1] = word end
end
return reply
