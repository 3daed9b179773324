-- Compare-and-swap of a user's sealed record. Answers -1 when written, else the version that stands.
-- KEYS: record. ARGV: expected version, sealed bytes, life in ms, next version.
local value = redis.call('GET', KEYS[1])
local version = value and string.match(value, '^[LU](%d+) ') or '0'
if version ~= ARGV[1] then
  return tonumber(version)
end
redis.call('SET', KEYS[1], 'L' .. ARGV[4] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return -1
