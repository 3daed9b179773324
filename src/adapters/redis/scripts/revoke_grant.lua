-- Ends a grant: removes its records and marks it dead.
-- KEYS: dead mark, index of the grant. ARGV: life of the mark in ms. The index names keys of the same slot only.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[2])
return 0
