-- Rotates a refresh token once. Answers {0} unknown, expired or revoked, {1} done, {2, answer, time} lost.
-- KEYS: dead mark, index of the grant, old refresh, then new refresh, new access, answer of the rotation, last use of the grant.
-- ARGV: now, then value and life in ms of the last four.
local value = redis.call('GET', KEYS[3])
if not value or redis.call('EXISTS', KEYS[1]) == 1 then
  return {0, '', 0}
end
local at = string.match(value, '^U(%d+) ')
if at then
  return {2, redis.call('GET', KEYS[6]) or '', tonumber(at)}
end
local expiry, record = string.match(value, '^L(%d+) (.*)$')
if tonumber(expiry) <= tonumber(ARGV[1]) then
  return {0, '', 0}
end
redis.call('SET', KEYS[3], 'U' .. ARGV[1] .. ' ' .. record, 'KEEPTTL')
local longest = 0
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
for i = 4, 7 do
  local life = tonumber(ARGV[2 * i - 5])
  redis.call('SET', KEYS[i], ARGV[2 * i - 6], 'PX', life)
  redis.call('ZADD', KEYS[2], string.format('%.0f', ARGV[1] + life), KEYS[i])
  longest = math.max(longest, life)
end
if redis.call('PTTL', KEYS[2]) < longest then
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', longest))
end
return {1, '', 0}
