-- Writes records into a grant, unless it was revoked. Answers 1 when written, 0 when revoked.
-- KEYS: dead mark, index of the grant, records. ARGV: now, then value and life in ms of each record.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local longest = 0
for i = 3, #KEYS do
  local value, life = ARGV[2 * i - 4], tonumber(ARGV[2 * i - 3])
  redis.call('SET', KEYS[i], value, 'PX', life)
  redis.call('ZADD', KEYS[2], string.format('%.0f', ARGV[1] + life), KEYS[i])
  longest = math.max(longest, life)
end
-- Last, since it takes no room: a Redis that is full refuses a script at its first write that does, and only there.
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
if redis.call('PTTL', KEYS[2]) < longest then
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', longest))
end
return 1
