#!lua flags=allow-oom
-- Closes a packet whose time is over and journals how many shares were opened, all or nothing. On a full server too:
-- only what has ended leaves it.
--
-- KEYS  packet, events, bell, epoch
-- ARGV  epoch, packet id
-- reply {'ok', opened} | {'again', opened} | {'not_over', ms to wait} | {'missing'} | {'fenced'}
local packet, events, bell = KEYS[1], KEYS[2], KEYS[3]

if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {'fenced'} end
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local f = redis.call('HMGET', packet, 'x', 'c', 'o', 'e')
local expires, closed, opened, epoch = f[1], f[2], f[3], f[4]

if epoch ~= ARGV[1] then return {'missing'} end
if closed then return {'again', tonumber(opened)} end
if now_ms < tonumber(expires) then return {'not_over', expires - now_ms} end
-- After this point the close must succeed.
local at = string.format('%.0f', now_ms)
redis.call('HSET', packet, 'c', 1)
redis.call('XADD', events, '*', 'e', table.concat({'close', ARGV[2], epoch, opened, at}, ' '))
if redis.call('SET', bell, 1, 'NX', 'PX', 1000) then redis.call('PUBLISH', bell, 'close') end
return {'ok', tonumber(opened)}
