-- Answers the public client that stands for a metadata digest, or lets this one stand for it.
-- KEYS: fold. ARGV: record, life in ms.
local standing = redis.call('GET', KEYS[1])
if standing then
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
  return standing
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ARGV[1]
