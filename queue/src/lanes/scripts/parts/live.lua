-- Part of several scripts: who runs what, and how many run under each key. A leased job has its lease where its envelope was
-- (`jobs`): '@', token, worker, tenant, lane. `live` counts the leases under every key of their lanes, limited or not, so
-- that a new limit finds its count; those of the queue ('*') are all `leases`.
local parsed, moved = {}, {}

-- The token and the lane's name of a lease; nil for what is none. Leases of one visit are one text.
local function lease_of(value)
    if not is_lease(value) then return nil end
    local seen = parsed[value]
    if not seen then
        seen = { string.match(value, '^@([^\n]*)\n[^\n]*\n(.*)$') }
        parsed[value] = seen
    end
    return seen[1], seen[2]
end

-- Notes that `n` more jobs of a lane run; `write_live` writes it down.
local function count_live(name, n) moved[name] = (moved[name] or 0) + n end

local BLOCK = 1000 -- what a command is given at most

-- Writes what was noted. Answers the keys under which fewer run now.
local function write_live()
    local keys, by = {}, {}
    for name, n in pairs(moved) do
        local of = keys_of(split(name))
        for i = 2, #of do
            local key = of[i]
            if not by[key] then keys[#keys + 1] = key end
            by[key] = (by[key] or 0) + n
        end
    end
    local live, fewer = p .. 'live', {}
    for from = 1, #keys, BLOCK do
        local last = math.min(from + BLOCK - 1, #keys)
        local counts, set, gone = call('HMGET', live, unpack(keys, from, last)), {}, {}
        for i = from, last do
            local key = keys[i]
            local n = tonumber(counts[i - from + 1] or 0) + by[key]
            if n > 0 then
                set[#set + 1] = key
                set[#set + 1] = whole(n)
            else
                gone[#gone + 1] = key
            end
            if by[key] < 0 then fewer[#fewer + 1] = key end
        end
        if #set > 0 then call('HSET', live, unpack(set)) end
        if #gone > 0 then call('HDEL', live, unpack(gone)) end
    end
    return fewer
end

local function most_of(limit) return string.match(limit or '', '^%S+ %S+ (%d+)') end

-- Frees the places of leases that are over, and lets whoever waits for one be looked at.
local function free_places()
    local fewer, waited, woken = write_live(), {}, 0
    local dues = #fewer > 0 and call('EXISTS', p .. 'later') == 1 and call('ZMSCORE', p .. 'later', unpack(fewer)) or {}
    for i = 1, #dues do
        if dues[i] then waited[#waited + 1] = fewer[i] end
    end
    if #waited > 0 then
        -- Who waits for a rate, an opening or a resume is not looked at before that.
        for i, limit in ipairs(call('HMGET', p .. 'limit', unpack(waited))) do
            if most_of(limit) then woken = woken + call('ZADD', p .. 'later', 'XX', 'CH', now, waited[i]) end
        end
    end
    if woken > 0 or most_of(call('HGET', p .. 'limit', '*')) then ring() end
end
