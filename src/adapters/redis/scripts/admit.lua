-- Takes one request out of a budget (GCRA), by the clock of the store. Answers 0, or the wait in microseconds.
-- KEYS: budget. ARGV: cost of one request, depth of the budget, both in microseconds.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local used = tonumber(redis.call('GET', KEYS[1]) or '0')
if used < now then
  used = now
end
local following = used + tonumber(ARGV[1])
local wait = following - now - tonumber(ARGV[2])
if wait > 0 then
  return wait
end
redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', math.ceil((following - now) / 1000))
return 0
