-- Drops the sealed bytes of a user's record and keeps the version count.
-- KEYS: record. ARGV: life of the count in ms.
local value = redis.call('GET', KEYS[1])
local version = value and string.match(value, '^[LU](%d+) ')
if version then
  redis.call('SET', KEYS[1], 'U' .. version .. ' ', 'PX', ARGV[1])
end
return 0
