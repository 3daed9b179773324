-- Adds a session to a group. KEYS: group. ARGV: session, moment, life in ms. Answers how many are in it.
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return redis.call('ZCARD', KEYS[1])
