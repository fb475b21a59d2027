#!lua flags=allow-oom
-- Takes the fence down, unless the server has started anew since it was filled.
--
-- KEYS  epoch, compared, origin
-- ARGV  new epoch, run id of the process that was filled
-- reply {'ok'} | {'changed'}
if redis.call('GET', KEYS[1]) ~= '0' then return {'changed'} end
if not string.find(redis.call('INFO', 'server'), 'run_id:' .. ARGV[2], 1, true) then return {'changed'} end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SET', KEYS[3], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1])
return {'ok'}
