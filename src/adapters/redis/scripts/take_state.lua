-- Takes a one-time value and leaves a tombstone. Answers {0} unknown, {1, body} first, {2} replayed.
-- KEYS: state. ARGV: life of the tombstone in ms.
local value = redis.call('GET', KEYS[1])
if not value then
  return {0, ''}
end
local body = string.match(value, '^L%-?%d+ (.*)$')
if not body then
  return {2, ''}
end
redis.call('SET', KEYS[1], 'U0 ', 'PX', ARGV[1])
return {1, body}
