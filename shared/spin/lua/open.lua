#!lua
-- Opens a grabbed share: marks it, journals it and rings the doorbell, all or nothing.
--
-- KEYS  packet, events, bell, epoch, origin
-- ARGV  epoch, packet id, user, seq, voucher's epoch
-- reply {'ok', opened at ms, and 1 if the bell rang} | {'not_grabbed'} | {'contested'} | {'expired'} | {'missing'} | {'fenced'} | {'lost'}
local packet, events, bell = KEYS[1], KEYS[2], KEYS[3]
local id, user, seq, given = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if redis.call('GET', KEYS[4]) ~= ARGV[1] then return {'fenced'} end
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local f = redis.call('HMGET', packet, user, 'x', 'c', 'e', 'q')
local claim, expires, closed, epoch, cursor = unpack(f, 1, 5)

if epoch ~= ARGV[1] then return {'missing'} end
-- A claim is its seq, and once opened "seq:opened at ms".
local claimed, opened_at = string.match(claim or '', '^(%d+):?(%d*)$')
if claimed == seq and opened_at ~= '' then return {'ok', tonumber(opened_at)} end
local is_receipt = claimed ~= seq
local at = string.format('%.0f', now_ms)
local function contest()
  if redis.call('HSETNX', packet, 'contest:' .. user, 1) == 1 then
    redis.call('XADD', events, '*', 'e', table.concat({'contest', id, epoch, seq, user, at}, ' '))
  end
end
if is_receipt and given >= tonumber(epoch) then
  -- Who has opened another share gave this one back with that.
  if (opened_at or '') ~= '' then return {'not_grabbed'} end
  -- Nobody signs a voucher of this epoch for a share that was not bound here, and the process under which the epoch
  -- began has forgotten nothing: then the voucher is wrong, and on record. Another process may have.
  local origin = redis.call('GET', KEYS[5])
  if origin and string.find(redis.call('INFO', 'server'), 'run_id:' .. origin, 1, true) then
    contest()
    return {'not_grabbed'}
  end
  redis.call('SET', KEYS[4], 0)
  return {'lost'}
end
if is_receipt and not cursor then return {'not_grabbed'} end
local is_over = closed or now_ms >= tonumber(expires)
-- A voucher from before a rebuild is a receipt: it gets its share if that is still free, and else it is on record,
-- once, for an operator to decide.
local is_free = (opened_at or '') == '' and redis.call('HEXISTS', packet, 's' .. seq) == 0
if is_receipt and (is_over or not is_free) then contest() end
if is_over then return {'expired'} end
if is_receipt and not is_free then return {'contested'} end
-- After this point the open must succeed.
if is_receipt and claimed then
  -- The share that was grabbed again meanwhile goes back.
  redis.call('HDEL', packet, 's' .. claimed)
  redis.call('HSET', packet, 's' .. seq, 1, 'q', math.max(tonumber(cursor), tonumber(claimed)))
elseif is_receipt then
  redis.call('HINCRBY', packet, 'g', 1)
  redis.call('HSET', packet, 's' .. seq, 1)
end
redis.call('HSET', packet, user, seq .. ':' .. at)
redis.call('HINCRBY', packet, 'o', 1)
local written = redis.call('XADD', events, '*', 'e', table.concat({'open', id, epoch, seq, user, at}, ' '))
compare_clock(events, tostring(written), now_ms)
-- The bell is only a hint: at most one is outstanding, and a lost one is made good by the sweep.
if not redis.call('SET', bell, 1, 'NX', 'PX', 1000) then return {'ok', now_ms} end
redis.call('PUBLISH', bell, string.match(bell, '%d+') or 'open')
return {'ok', now_ms, 1}
