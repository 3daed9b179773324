-- Ends a grant: removes its records, marks it dead, and tells every replica, all in one step.
-- KEYS: dead mark, index of the grant. ARGV: life of the mark in ms, channel, message. The index names keys of the same
-- slot only; a channel is no key.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[2])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 0
