-- Part of several scripts: how a lane and its tenant come back into the turn (start-time fair queueing).
-- Whoever comes back starts at the virtual time of whoever is served now, or where it left off if that is
-- later: else one that is never long empty would always be first, and a backlog would starve beside it. Who was gone
-- only because the rest of its backlog had yet to come from the ledger (`away`) is owed what it missed (`owed`): it starts
-- no earlier for that, or nobody would be served beside it, but pays half until it has caught up.

local PER_COST = 100000 -- virtual time of one cost unit at weight 1
local OWED = 1000 * PER_COST -- what a tenant can be behind at most

-- Lets `tenant` be served at `vt` at the earliest, unless something keeps all of it (`later`).
local function tenant_ready(tenant, vt)
    if call('ZSCORE', p .. 'turn', tenant) or call('ZSCORE', p .. 'later', tenant) then return end
    local left = tonumber(call('ZSCORE', p .. 'tag', tenant) or 0)
    call('ZADD', p .. 'turn', whole(math.max(vt, left)), tenant)
    local gone = call('ZSCORE', p .. 'away', tenant)
    if gone then
        call('ZREM', p .. 'away', tenant)
        local missed = math.max(vt - tonumber(gone), 0) + tonumber(call('HGET', p .. 'owed', tenant) or 0)
        if missed > 0 then call('HSET', p .. 'owed', tenant, whole(math.min(missed, OWED))) end
    end
end

-- Lets a lane that holds jobs be served, unless it is parked at a key (`parked:`).
local function lane_ready(tenant, lane, vt)
    local lane_turn = p .. 'turn:' .. tenant
    if not call('ZSCORE', lane_turn, lane) then
        local head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
        local at = head[2] or '0'
        if head[2] then
            local left = call('ZSCORE', p .. 'tags:' .. tenant, lane)
            if left and tonumber(left) > tonumber(at) then at = left end
        end
        call('ZADD', lane_turn, at, lane)
    end
    tenant_ready(tenant, vt)
end
