-- Ends one bearer and tells every replica, in one step.
-- KEYS: bearer, index of the grant. ARGV: channel, message. A channel is no key.
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 0
