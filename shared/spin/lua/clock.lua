#!lua
-- Stands in front of open.lua. The ids of the journal never go back, and clocks do: a clock that was set back, ids that
-- were set ahead. Then an entry may be younger by its id than one in front of it, and older by the clock.
--
-- Notes of the last step back: 'low', the time of the first entry after it, 'at', that entry's id, 'last', the time of the
-- last entry that is older than its id. Whoever asks how old the journal is (oldest.lua) then knows without reading it all.
local function compare_clock(events, written, now_ms)
  local id_ms, number = string.match(written, '^(%d+)-(%d+)$')
  -- Some milliseconds pass between asking for the time and writing; the reader allows for as many (operator.rs).
  if not id_ms or tonumber(id_ms) <= now_ms + 10 then return end
  local noted = redis.call('HMGET', events .. ':back', 'low', 'at', 'last')
  local low, at_ms, at_number = noted[1], string.match(noted[2] or '', '^(%d+)-(%d+)$')
  local is_forward = at_ms == id_ms and now_ms >= tonumber(noted[3])
  if not is_forward then
    local first_ms, first_number = string.match(redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1][1], '^(%d+)-(%d+)$')
    -- An earlier step matters while the journal begins before it.
    local is_behind = at_ms and (tonumber(first_ms) < tonumber(at_ms)
      or first_ms == at_ms and tonumber(first_number) < tonumber(at_number))
    low = is_behind and math.min(tonumber(low), now_ms) or now_ms
    redis.call('HSET', events .. ':back', 'low', string.format('%.0f', low), 'at', written)
  end
  redis.call('HSET', events .. ':back', 'last', string.format('%.0f', now_ms))
end

