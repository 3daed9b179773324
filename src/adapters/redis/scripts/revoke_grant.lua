-- Ends a grant: marks it dead, so that nothing more is written into it, and removes the records that are named.
-- KEYS: dead mark, index of the grant, records. ARGV: life of the mark in ms, channel, message.
-- Answers the records that were not named: the caller names them in a further call, as a cluster asks of scripts. When
-- there are none, the index goes and every replica is told.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
  redis.call('ZREM', KEYS[2], KEYS[i])
end
local left = redis.call('ZRANGE', KEYS[2], 0, -1)
if #left == 0 then
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return left
