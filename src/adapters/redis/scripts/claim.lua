-- Takes a stream over. KEYS: session, head, log, names of streams. ARGV: life in ms, stream, 1 to start a log.
-- Answers claim and newest number; nothing when there is no session or no log to take.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local last = tonumber(redis.call('HGET', KEYS[2], 'last'))
if not last then
  if ARGV[3] ~= '1' then
    return false
  end
  local time = redis.call('TIME')
  last = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[2], 'last', string.format('%.0f', last))
  redis.call('SADD', KEYS[4], ARGV[2])
end
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch', 1)
for i = 2, 4 do
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
end
return {epoch, last}
