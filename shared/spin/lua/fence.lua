#!lua flags=allow-oom
-- Stops a shard whose contents cannot be trusted: from here on every script refuses.
--
-- KEYS  epoch
-- ARGV  the epoch that was found wanting; empty for none
-- reply {'ok'} | {'changed'}
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return {'changed'} end
redis.call('SET', KEYS[1], 0)
return {'ok'}
