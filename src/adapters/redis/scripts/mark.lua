-- Notes something about a log that exists. KEYS: head. ARGV: field, number.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 0
