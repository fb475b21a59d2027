#!lua flags=allow-oom
-- Runs one command of a shard's comparison or recovery, on a full server too: until it is done, nothing can make room.
--
-- KEYS  the key
-- ARGV  the command's words, the key as '@'
-- reply the command's
local words = {}
for i, word in ipairs(ARGV) do words[i] = word == '@' and KEYS[1] or word end
return redis.call(unpack(words))
