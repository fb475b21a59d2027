#!lua
-- Puts on record what a rule saw outside the scripts, once a minute for each user and rule.
--
-- KEYS  epoch, events, the mark of the user and the rule
-- ARGV  epoch, packet id, user, rule, action, fact
-- reply {'ok'} | {'again'} | {'fenced'}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'fenced'} end
if not redis.call('SET', KEYS[3], 1, 'NX', 'PX', 60000) then return {'again'} end
local now = redis.call('TIME')
local at = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000))
redis.call('XADD', KEYS[2], '*', 'e', table.concat({'risk', ARGV[2], ARGV[1], ARGV[3], at, ARGV[4], ARGV[5], ARGV[6]}, ' '))
return {'ok'}
