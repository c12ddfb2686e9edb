-- Sets limits; they hold for what waits already, and nothing is given twice: what is in a bucket stays in it under another
-- rate, as far as the new one holds as much, and no change puts anything in. So what passes in any time is no more than the
-- largest burst and what the rates in force let through. A rate that was lifted is remembered until its bucket would
-- be full.
-- KEYS[1] prefix; ARGV: revision (as in pauses.lua), then key, rate, burst, most, hours, rule, weight, …
-- '=' leaves what is there, '-' clears it.
-- Answers 1, or 0 where it gave up.
local meta = p .. 'meta'
if ARGV[1] == '' then
    call('HINCRBY', meta, 'controls', 1)
elseif (call('HGET', meta, 'controls') or '0') ~= ARGV[1] then
    return 0
end
local drained = tonumber(call('HGET', meta, 'drained') or 0)

local function set(hash, key, value)
    if value == '=' then return end
    if value == '-' then call('HDEL', p .. hash, key) else call('HSET', p .. hash, key, value) end
end

-- What the bucket of a key has lent, in units, at which step it gets them back, and of which burst; nil where nobody knows of
-- one.
local function bucket(key, rate, burst, at)
    local tat, step, of = nil, nil, tonumber(burst)
    if rate == '-' then
        tat, step, of = string.match(call('GET', p .. 'debt:' .. key) or '', '^(%S+) (%S+) (%S+)$')
        if not tat then return nil end
    else
        step = 1000 / tonumber(rate)
        tat = tonumber(call('HGET', p .. 'tat', key) or 0)
        if tonumber(at) <= drained then tat = math.max(tat, drained + step * of) end
    end
    return math.max(0, tonumber(tat) - now) / tonumber(step), tonumber(step), tonumber(of)
end

-- A tenant pays for what it was served at the weight that it had then. For one that was very light that may be hundreds of
-- others' turns: one that is heavier now waits no longer than a visit costs at weight 1.
local AHEAD = 16 * PER_COST
local vt = tonumber(state[4] or 0)
local function weigh(tenant, value)
    if value == '=' then return end
    local before = tonumber(call('HGET', p .. 'weight', tenant) or 1)
    if (tonumber(value) or 1) <= before then return end
    for _, times in ipairs({ 'turn', 'tag' }) do
        local at = tonumber(call('ZSCORE', p .. times, tenant) or 0)
        if at > vt + AHEAD then call('ZADD', p .. times, whole(vt + AHEAD), tenant) end
    end
end

for i = 2, #ARGV, 7 do
    local key = ARGV[i]
    local before = call('HGET', p .. 'limit', key) or '- - - 0'
    local rate, burst, most, at = string.match(before, '^(%S+) (%S+) (%S+) (%S+)$')
    local new_rate, new_burst, new_most = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    if new_rate == '=' then new_rate, new_burst = rate, burst end
    if new_most == '=' then new_most = most end
    local new_at = at
    if new_rate ~= rate or new_burst ~= burst then
        local lent, step, of = bucket(key, rate, burst, at)
        new_at = whole(now)
        -- Not before what was forgotten: a limit that is known at the opening of its queue begins empty.
        if tonumber(new_at) <= drained then new_at = whole(drained + 1) end
        if new_rate ~= '-' then
            local owed = lent and math.max(0, lent + tonumber(new_burst) - of) or 0
            call('HSET', p .. 'tat', key, string.format('%.3f', now + owed * 1000 / tonumber(new_rate)))
            call('DEL', p .. 'debt:' .. key)
        else
            call('HDEL', p .. 'tat', key)
            if lent > 0 then
                call('SET', p .. 'debt:' .. key, string.format('%.3f %.6f %d', now + lent * step, step, of),
                    'PX', math.ceil(lent * step) + 1)
            end
        end
    end
    local after = new_rate .. ' ' .. new_burst .. ' ' .. new_most .. ' ' .. new_at
    if after ~= before then
        if new_rate == '-' and new_most == '-' then
            call('HDEL', p .. 'limit', key)
        else
            call('HSET', p .. 'limit', key, after)
        end
    end
    set('hours', key, ARGV[i + 4])
    set('rule', key, ARGV[i + 5])
    if ARGV[i + 5] == '-' then call('HDEL', p .. 'breaker', key) end
    weigh(key, ARGV[i + 6])
    set('weight', key, ARGV[i + 6])
    call('ZADD', p .. 'later', 'XX', whole(now), key)
end
ring()
return 1
