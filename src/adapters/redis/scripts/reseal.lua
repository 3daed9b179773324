-- Replaces a value that is still what was read; its life goes on. Answers 1 when replaced, else 0.
-- KEYS: record. ARGV: value as read, value to write.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
