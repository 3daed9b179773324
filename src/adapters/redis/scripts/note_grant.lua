-- Names a grant in an index and drops the names of those that have ended.
-- KEYS: index. ARGV: grant, now, end of the grant, its life in ms.
-- What takes room comes first: a Redis that is full refuses a script at its first such write only.
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
