#!lua
-- Counts a request against the rates and looks at it with the risk rules. Stands in front of grab.lua and of
-- backlog.lua, in one script with them, and lets them go on unless it refuses.
--
-- KEYS  packet, epoch, the user's bucket, everybody's bucket, events; the device's users, where a device is known
-- ARGV  epoch, user, packet id; the microseconds that a token takes and those of a full bucket, of the user and of
--       everybody (0: no limit); then what each risk rule does (0 nothing, 1 flag, 2 slow down, 3 deny): velocity;
--       new account; reaction, and until when it fires (Unix ms); daily grabs, and their bound; device's users, and
--       their bound
-- leaves to the script behind: user, id, mine, now_ms, shard_epoch, record
-- reply {'limited', ms to wait} | {'denied'}, or that of the script behind
local user, id, mine, all = ARGV[2], ARGV[3], KEYS[3], KEYS[4]
local now = redis.call('TIME')
local now_us = now[1] * 1000000 + now[2]
local now_ms = math.floor(now_us / 1000)
local found = redis.call('MGET', KEYS[2], mine, all)
local shard_epoch, my_bucket, all_bucket = found[1], found[2], found[3]

-- Puts on record what a rule saw.
local function record(rule, action, fact)
  local words = {'risk', id, ARGV[1], user, string.format('%.0f', now_ms), rule, ({'flag', 'slow', 'deny'})[action], fact}
  redis.call('XADD', KEYS[5], '*', 'e', table.concat(words, ' '))
end

-- Who has a share already is only told so again.
if redis.call('HEXISTS', KEYS[1], user) == 0 then
  local verdict, wait_ms = 0, 0

  -- A rule fires: on record once a minute for each user, however often it does.
  local function fire(rule, action, fact)
    verdict = math.max(verdict, action)
    local is_first = redis.call('SET', mine .. ':' .. rule, 1, 'NX', 'PX', 60000)
    if is_first and shard_epoch == ARGV[1] then record(rule, action, fact) end
  end

  -- A bucket is kept as the time at which it will be full: the time with one token less, and the ms to wait for it.
  local function draw(bucket, token_us, full_us)
    if token_us == 0 then return nil, 0 end
    -- A clock that was set back leaves nobody waiting for more than a bucket.
    local full_at = math.min(math.max(tonumber(bucket or now_us), now_us), now_us + full_us) + token_us
    return math.min(full_at, now_us + full_us), math.ceil((full_at - now_us - full_us) / 1000)
  end

  local all_full_at, all_wait_ms = draw(all_bucket, tonumber(ARGV[6]), tonumber(ARGV[7]))
  if all_wait_ms > 0 then return {'limited', all_wait_ms} end
  local full_at, my_wait_ms = draw(my_bucket, tonumber(ARGV[4]), tonumber(ARGV[5]))
  local velocity = tonumber(ARGV[8])
  if my_wait_ms > 0 and velocity > 0 then
    fire('velocity', velocity, 'wait_ms=' .. my_wait_ms)
    if velocity == 2 then wait_ms = my_wait_ms end
  end
  if ARGV[9] ~= '0' then fire('new_account', tonumber(ARGV[9]), 'young') end
  if ARGV[10] ~= '0' and now_ms < tonumber(ARGV[11]) then
    fire('reaction', tonumber(ARGV[10]), string.format('early_ms=%.0f', ARGV[11] - now_ms))
  end
  -- Days of China's time.
  local today = all .. ':day:' .. math.floor((now[1] + 28800) / 86400)
  if ARGV[12] ~= '0' then
    local grabs = tonumber(redis.call('HGET', today, user) or 0)
    if grabs >= tonumber(ARGV[13]) then fire('daily_grabs', tonumber(ARGV[12]), 'grabs=' .. grabs) end
  end
  local is_new_here = KEYS[6] and ARGV[14] ~= '0' and redis.call('SISMEMBER', KEYS[6], user) == 0
  if is_new_here then
    local users = redis.call('SCARD', KEYS[6])
    if users >= tonumber(ARGV[15]) then
      fire('device_users', tonumber(ARGV[14]), 'users=' .. users)
      is_new_here = false
    end
  end

  if verdict == 3 then return {'denied'} end
  if verdict == 2 and wait_ms == 0 then
    -- Slowed down: to wait for two seconds, and then ten to come back in.
    local until_ms = redis.call('GET', mine .. ':wait')
    if not until_ms then
      until_ms = now_ms + 2000
      redis.call('SET', mine .. ':wait', string.format('%.0f', until_ms), 'PX', 12000)
    end
    wait_ms = until_ms - now_ms
  end
  if wait_ms > 0 then return {'limited', wait_ms} end
  -- After this point the request is let in.
  -- Buckets are not worth the disk: after a restart they are full.
  redis.set_repl(redis.REPL_NONE)
  if all_full_at then redis.call('SET', all, string.format('%.0f', all_full_at)) end
  if full_at then
    redis.call('SET', mine, string.format('%.0f', full_at), 'PX', math.ceil((full_at - now_us) / 1000))
  end
  redis.set_repl(redis.REPL_ALL)
  if ARGV[12] ~= '0' then
    redis.call('HINCRBY', today, user, 1)
    redis.call('EXPIRE', today, 172800)
  end
  if is_new_here then
    redis.call('SADD', KEYS[6], user)
    redis.call('EXPIRE', KEYS[6], 3600)
  end
end
