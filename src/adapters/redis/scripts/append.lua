-- Adds a message to a stream's log and drops the oldest beyond the bounds.
-- KEYS: session, head, log, names of streams. ARGV: message, most messages, most bytes, life in ms, stream, 1 if final.
-- Answers number and claim; nothing when the session has ended.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local last = tonumber(redis.call('HGET', KEYS[2], 'last'))
if not last then
  local time = redis.call('TIME')
  last = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSET', KEYS[2], 'epoch', 0)
end
last = last + 1
redis.call('HSET', KEYS[2], 'last', string.format('%.0f', last))
if ARGV[6] == '1' then
  redis.call('HSET', KEYS[2], 'done', 1)
end
local count = redis.call('RPUSH', KEYS[3], ARGV[1])
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[1])
while count > 1 and (count > tonumber(ARGV[2]) or bytes > tonumber(ARGV[3])) do
  bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -#redis.call('LPOP', KEYS[3]))
  count = count - 1
end
redis.call('SADD', KEYS[4], ARGV[5])
for i = 2, 4 do
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
return {last, tonumber(redis.call('HGET', KEYS[2], 'epoch'))}
