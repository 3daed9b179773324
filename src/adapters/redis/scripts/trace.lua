-- Adds a step to a trace and renews its life.
-- KEYS: trace. ARGV: step, steps kept, life in ms.
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
