-- Lends nothing before a pause has passed, by the clock of the store; a longer pause stands.
-- KEYS: gate. ARGV: pause in microseconds.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local ends = now + tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'until') or '0') < ends then
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', ends))
end
local life = math.ceil(tonumber(ARGV[1]) / 1000)
if redis.call('PTTL', KEYS[1]) < life then
  redis.call('PEXPIRE', KEYS[1], life)
end
return 0
