-- Part of several scripts: who runs under which limited key. `lives` names the keys that have a concurrency limit; for
-- the queue's own, those who run are its leases.
local lives = call('EXISTS', p .. 'lives') == 1
local limited, counting, ended = {}, {}, {}

-- Calls `act` with each of the lane's keys that counts what runs.
local function each_live(tenant, lane, act)
    if not lives then return end
    local name = tenant .. '\n' .. lane
    local found = counting[name]
    if not found then
        local keys, unknown = keys_of(tenant, lane), {}
        found = {}
        for i = 1, #keys do
            if limited[keys[i]] == nil then unknown[#unknown + 1] = keys[i] end
        end
        if #unknown > 0 then
            for i, is in ipairs(call('SMISMEMBER', p .. 'lives', unpack(unknown))) do limited[unknown[i]] = is == 1 end
        end
        for i = 1, #keys do
            if limited[keys[i]] then found[#found + 1] = keys[i] end
        end
        counting[name] = found
    end
    for i = 1, #found do act(found[i]) end
end

-- Notes that job `id` runs no longer; `free_ended` writes it down.
local function end_live(tenant, lane, id)
    each_live(tenant, lane, function(key)
        local ids = ended[key]
        if not ids then
            ids = {}
            ended[key] = ids
        end
        ids[#ids + 1] = id
    end)
end

-- Frees the places, and lets whoever waits for one be looked at.
local function free_ended()
    local freed, all = {}, false
    for key, ids in pairs(ended) do
        if key == '*' then
            all = true
        elseif call('ZREM', p .. 'live:' .. key, unpack(ids)) > 0 then
            freed[#freed + 1] = now
            freed[#freed + 1] = key
        end
    end
    local woken = 0
    for i = 1, #freed, 1000 do
        woken = woken + call('ZADD', p .. 'later', 'XX', 'CH', unpack(freed, i, math.min(i + 999, #freed)))
    end
    if all or woken > 0 then ring() end
end
