-- Opens a queue after its limits and pauses were copied from the ledger. Until then nothing starts, so
-- that a Redis that was emptied exceeds no limit. What the buckets held is forgotten then: they begin
-- empty, not full. KEYS[1] prefix; ARGV: again (1: Redis may have lost its last second, drain anyway)
-- Answers 1 if the queue was closed.
local p = KEYS[1]
local call = redis.call
local was_open = call('HEXISTS', p .. 'meta', 'open') == 1
if was_open and ARGV[1] ~= '1' then return 0 end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local limits = call('HGETALL', p .. 'limit')
for i = 1, #limits, 2 do
    local rate, burst = string.match(limits[i + 1], '^(%S+) (%S+)$')
    local full = now + 1000 / tonumber(rate) * tonumber(burst)
    local tat = math.max(tonumber(call('HGET', p .. 'tat', limits[i]) or 0), full)
    call('HSET', p .. 'tat', limits[i], string.format('%.3f', tat))
end
call('HSET', p .. 'meta', 'open', 1)
return was_open and 0 or 1
