#!lua
-- Counts a login, in windows of time: a person's and everybody's.
--
-- KEYS  the person's count, everybody's count
-- ARGV  the most of a person in a window, the most of everybody (0: any number), the window's ms
-- reply {'ok'} | {'limited', ms to wait}
for i = 1, 2 do
  local most = tonumber(ARGV[i])
  if most > 0 and tonumber(redis.call('GET', KEYS[i]) or 0) >= most then
    return {'limited', redis.call('PTTL', KEYS[i])}
  end
end
-- After this point the login is let in.
for i = 1, 2 do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
end
return {'ok'}
