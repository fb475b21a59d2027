#!lua
-- How much waits to be settled: what a new packet has to know of its shard. Runs behind admit.lua.
--
-- KEYS  as admit.lua's: events are the fifth
-- reply {'ok', entries}
return {'ok', redis.call('XLEN', KEYS[5])}
