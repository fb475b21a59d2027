#!lua
-- Opens a grabbed share: marks it, journals it and rings the doorbell, all or nothing.
--
-- KEYS  packet, events, bell, epoch
-- ARGV  epoch, packet id, user, seq
-- reply {'ok', opened at ms} | {'not_grabbed'} | {'expired'} | {'missing'} | {'fenced'}
local packet, events, bell = KEYS[1], KEYS[2], KEYS[3]
local id, user, seq = ARGV[2], ARGV[3], ARGV[4]

if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {'fenced'} end
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local f = redis.call('HMGET', packet, user, 'x', 'c', 'e')
local claim, expires, closed, epoch = f[1], f[2], f[3], f[4]

if not expires then return {'missing'} end
if not claim then return {'not_grabbed'} end
-- A claim is its seq, and once opened "seq:opened at ms".
local claimed, opened_at = string.match(claim, '^(%d+):?(%d*)$')
if claimed ~= seq then return {'not_grabbed'} end
if opened_at ~= '' then return {'ok', tonumber(opened_at)} end
if closed or now_ms >= tonumber(expires) then return {'expired'} end
-- After this point the open must succeed.
local at = string.format('%.0f', now_ms)
redis.call('HSET', packet, user, seq .. ':' .. at)
redis.call('HINCRBY', packet, 'o', 1)
redis.call('XADD', events, '*', 'e', table.concat({'open', id, epoch, seq, user, at}, ' '))
-- The bell is only a hint: at most one is outstanding, and a lost one is made good by the sweep.
if redis.call('SET', bell, 1, 'NX', 'PX', 1000) then redis.call('PUBLISH', bell, 'open') end
return {'ok', now_ms}
