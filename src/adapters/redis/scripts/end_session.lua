-- Ends a session with its logs. KEYS: session, names of streams, then head and log of each stream. ARGV: those streams.
-- Answers how many sessions there were, and the streams that were not named: the caller names them in a further call, as
-- a cluster asks of scripts. Nothing is added meanwhile, for the session has ended.
local ended = redis.call('DEL', KEYS[1])
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
end
for _, stream in ipairs(ARGV) do
  redis.call('SREM', KEYS[2], stream)
end
return {ended, redis.call('SMEMBERS', KEYS[2])}
