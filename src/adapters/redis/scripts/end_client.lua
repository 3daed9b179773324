-- Removes the fold of a deleted client, unless another client stands there now.
-- KEYS: fold. ARGV: record of the deleted client.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 0
