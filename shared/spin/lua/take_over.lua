#!lua flags=allow-oom
-- Takes over entries of the journal that somebody read and never acknowledged. Those that were deleted meanwhile are
-- dropped from the list of pending entries; they count among how many.
--
-- KEYS  events, tries
-- ARGV  group, consumer, since how many ms they have to be pending, the entry to begin at, how many
-- reply {the entry to go on at: 0-0 at the end; then of each entry: id, text, and its tries or ''}
local events, tries = KEYS[1], KEYS[2]

local found = redis.call('XAUTOCLAIM', events, ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local reply, ids = {found[1]}, {}
for i, entry in ipairs(found[2]) do ids[i] = entry[1] end
if redis.call('EXISTS', tries) == 1 then
  -- Tries of entries that somebody else has settled since; when nothing is pending they all are.
  if redis.call('XPENDING', events, ARGV[1])[1] == 0 then redis.call('DEL', tries) end
end
local known = #ids > 0 and redis.call('HMGET', tries, unpack(ids)) or {}
for i, entry in ipairs(found[2]) do
  local fields = entry[2]
  -- What no script writes has other fields: it stays readable as one text.
  local text = fields[1] == 'e' and #fields == 2 and fields[2] or table.concat(fields, ' ')
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = ids[i], text, known[i] or ''
end
return reply
