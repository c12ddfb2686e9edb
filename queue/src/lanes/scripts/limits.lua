-- Sets limits; they hold for what waits already, and nothing is given twice: what a bucket has lent is still owed
-- under its new rate, up to an empty bucket. What is owed beyond that (the rate was lifted, or its burst was lowered)
-- is paid back at the old rate, and asked for again should the limit be raised before then.
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

-- What the bucket of a key has lent, in units, at which step it gets them back, and of which burst: of the rate in force,
-- or of one before it where more is owed to that.
local function lent(key, rate, burst, at)
    local units, step, of = 0, nil, 0
    if rate ~= '-' then
        step, of = 1000 / tonumber(rate), tonumber(burst)
        local tat = tonumber(call('HGET', p .. 'tat', key) or 0)
        if tonumber(at) <= drained then tat = math.max(tat, drained + step * of) end
        units = math.max(0, tat - now) / step
    end
    local before = call('GET', p .. 'debt:' .. key)
    if before then
        local tat, its_step, its_burst = string.match(before, '^(%S+) (%S+) (%S+)$')
        local owed = math.max(0, tonumber(tat) - now) / tonumber(its_step)
        if owed > units + 0.01 then return owed, tonumber(its_step), tonumber(its_burst) end
    end
    return units, step, of
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
        local units, step, of = lent(key, rate, burst, at)
        new_at = whole(now)
        -- Not before what was forgotten: a limit that is known at the opening of its queue begins empty.
        if tonumber(new_at) <= drained then new_at = whole(drained + 1) end
        local owed = 0
        if new_rate == '-' then
            call('HDEL', p .. 'tat', key)
        else
            -- No bucket is emptier than empty, but for what one dear job took beyond it.
            owed = math.min(units, tonumber(new_burst) + math.max(0, units - of))
            call('HSET', p .. 'tat', key, string.format('%.3f', now + owed * 1000 / tonumber(new_rate)))
        end
        if units > owed then
            call('SET', p .. 'debt:' .. key, string.format('%.3f %.6f %d', now + units * step, step, of),
                'PX', math.ceil(units * step) + 1)
        else
            call('DEL', p .. 'debt:' .. key)
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
    set('weight', key, ARGV[i + 6])
    call('ZADD', p .. 'later', 'XX', whole(now), key)
end
ring()
return 1
