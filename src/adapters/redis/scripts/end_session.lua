-- Ends a session with its logs. KEYS: session, names of streams. ARGV: start of the session's keys, which are all in
-- this slot. Answers how many sessions there were.
for _, stream in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  redis.call('DEL', ARGV[1] .. 'head:' .. stream, ARGV[1] .. 'log:' .. stream)
end
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
