-- Reads on. KEYS: head, log, names of streams. ARGV: number of the last message seen, most messages, life in ms.
-- Answers claim, 1 if messages are missing, 1 if this is the end, number of the first message, messages; nothing when
-- there is no log.
local last = tonumber(redis.call('HGET', KEYS[1], 'last'))
if not last then
  return false
end
local count = redis.call('LLEN', KEYS[2])
local first = last - count + 1
local seen = tonumber(ARGV[1])
local gap = 0
if seen + 1 < first or seen > last then
  gap = 1
end
local from = math.max(0, seen + 1 - first)
local events = {}
if from < count then
  events = redis.call('LRANGE', KEYS[2], from, from + tonumber(ARGV[2]) - 1)
end
local done = 0
if from + #events >= count and redis.call('HEXISTS', KEYS[1], 'done') == 1 then
  done = 1
end
for i = 1, 3 do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
return {tonumber(redis.call('HGET', KEYS[1], 'epoch')), gap, done, first + from, events}
