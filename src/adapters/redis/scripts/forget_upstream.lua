-- Drops the sealed bytes of a user's record, if the version that died is the one that stands, and keeps the count.
-- Answers -1 when dropped, else the version that stands.
-- KEYS: record. ARGV: version that died, life of the count in ms.
local value = redis.call('GET', KEYS[1])
local version = value and string.match(value, '^[LU](%d+) ') or '0'
if version ~= ARGV[1] then
  return tonumber(version)
end
redis.call('SET', KEYS[1], 'U' .. version .. ' ', 'PX', ARGV[2])
return -1
