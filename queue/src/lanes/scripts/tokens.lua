-- Takes up to `want` units from a lane's bucket and its tenant's, all or as many as there are.
-- KEYS[1] prefix; ARGV: tenant, lane, want
-- Answers {granted, retry_at_ms}: where nothing was granted, when to ask again.
local p = KEYS[1]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local want = tonumber(ARGV[3])
if call('HEXISTS', p .. 'meta', 'open') == 0 then return { 0, now + 100 } end
local buckets = {}
local names = { ARGV[1] }
if ARGV[2] ~= '' then names[2] = ARGV[1] .. '\n' .. ARGV[2] end
local granted, retry_at = want, 0
for _, name in ipairs(names) do
    local penalty = tonumber(call('HGET', p .. 'penalty', name) or 0)
    if penalty > now then return { 0, penalty } end
    local spec = call('HGET', p .. 'limit', name)
    if spec then
        local rate, burst = string.match(spec, '^(%S+) (%S+)$')
        local step = 1000 / tonumber(rate)
        local tau = step * tonumber(burst)
        local tat = math.max(tonumber(call('HGET', p .. 'tat', name) or 0), now)
        local free = math.floor((now + tau - tat) / step + 0.000001)
        granted = math.min(granted, math.max(free, 0))
        retry_at = math.max(retry_at, math.ceil(tat + step - tau))
        buckets[#buckets + 1] = { name, tat, step }
    end
end
if granted > 0 then
    for _, b in ipairs(buckets) do
        call('HSET', p .. 'tat', b[1], string.format('%.3f', b[2] + granted * b[3]))
    end
end
return { granted, math.max(retry_at, now + 1) }
