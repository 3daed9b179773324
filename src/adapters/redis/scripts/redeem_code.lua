-- Redeems a code once. Answers {0} unknown or expired, {1, record} first, {2, client, time} replayed.
-- KEYS: code, index of the grant. ARGV: now, client, life of the tombstone in ms.
local value = redis.call('GET', KEYS[1])
if not value then
  return {0, '', 0}
end
local at, client = string.match(value, '^U(%d+) (.*)$')
if at then
  return {2, client, tonumber(at)}
end
local expiry, record = string.match(value, '^L(%d+) (.*)$')
if tonumber(expiry) <= tonumber(ARGV[1]) then
  return {0, '', 0}
end
redis.call('SET', KEYS[1], 'U' .. ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
-- The tombstone outlives a revocation of the grant, so that a replay is still told from an unknown code.
redis.call('ZREM', KEYS[2], KEYS[1])
return {1, record, 0}
