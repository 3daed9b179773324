-- Replaces a session, if it is as it was read. KEYS: session. ARGV: revision that was read, new value, its life in ms.
-- Answers 0 when there is none, 1 when somebody else changed it, 2 when it is replaced.
local standing = redis.call('GET', KEYS[1])
if not standing then
  return 0
end
if (cjson.decode(standing).revision or 0) ~= tonumber(ARGV[1]) then
  return 1
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 2
