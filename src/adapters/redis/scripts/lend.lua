-- Lends places and units of a limit that all replicas share, by the clock of the store (domain/lending.rs says how).
-- KEYS: gate. ARGV: holder, places wanted, places it has, limit of places, lease, units needed, units wanted, cost of a
-- unit, depth of the budget; times in microseconds.
-- Answers places, 1 when others wait, units, wait for units, pause that Graph ordered.
-- The hash holds `used`, `until`, and one field per replica: `r:<holder>` = `<held> <waits since, or 0> <end>`.
local key, me = KEYS[1], 'r:' .. ARGV[1]
local want, have, limit, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local need, units_wanted = tonumber(ARGV[6]), tonumber(ARGV[7])
local interval, depth = tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local used, held_back, life = 0, 0, now
local others, count, held, waiting, since = {}, 1, 0, false, now
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local field, value = all[i], all[i + 1]
  if field == 'used' then
    used = tonumber(value)
  elseif field == 'until' then
    held_back = tonumber(value)
  else
    local h, s, e = string.match(value, '^(%d+) (%d+) (%d+)$')
    h, s, e = tonumber(h), tonumber(s), tonumber(e)
    if e <= now then
      redis.call('HDEL', key, field)
    elseif field == me then
      if h == 0 and have == 0 and s > 0 then
        since = s
      end
    else
      others[#others + 1] = {h, s}
      count = count + 1
      held = held + h
      waiting = waiting or s > 0
      life = math.max(life, e)
    end
  end
end

local most = limit
if waiting then
  local share = math.max(math.floor(limit / count), 1)
  local claims, ahead = 0, 0
  for _, other in ipairs(others) do
    local h, s = other[1], other[2]
    claims = claims + (s > 0 and math.max(share, h) or h)
    if h == 0 and s > 0 and (have > 0 or s < since) then
      ahead = ahead + 1
    end
  end
  most = math.max(share, limit - claims)
  if count > limit and ahead > 0 and ahead >= math.max(limit - held - have, 0) then
    most = 0
  end
end
local places = math.min(want, most, math.max(limit - held, 0))
local keeps = math.max(places, have)
local waits = want > keeps
if keeps > 0 or waits then
  local ends = now + (keeps > 0 and lease or math.floor(lease / 3))
  redis.call('HSET', key, me, string.format('%d %.0f %.0f', keeps, waits and since or 0, ends))
  life = math.max(life, ends)
else
  redis.call('HDEL', key, me)
end

local units, wait = 0, 0
if need > 0 then
  if held_back > now then
    wait = held_back - now
  else
    local start = math.max(used, now)
    local room = math.floor(math.max(depth - (start - now), 0) / interval)
    need = math.min(need, math.floor(depth / interval))
    if room >= need then
      units = math.min(room, math.max(units_wanted, need))
      used = start + units * interval
      redis.call('HSET', key, 'used', string.format('%.0f', used))
    else
      wait = math.max((start - now) + need * interval - depth, 1)
    end
  end
end
life = math.max(life, used, held_back)
if life > now then
  redis.call('PEXPIRE', key, math.ceil((life - now) / 1000))
end
return {places, waiting and 1 or 0, units, wait, math.max(held_back - now, 0)}
