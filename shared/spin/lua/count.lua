#!lua
-- Adds what an instance has counted to what all have.
--
-- KEYS  counters
-- ARGV  name, number, name, number …
-- reply {'ok'}
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
return {'ok'}
