-- Part of several scripts: how a lane and its tenant come back into the turn (start-time fair queueing).
-- Whoever comes back starts at the virtual time of whoever is served now, or where it left off if that is
-- later: else one that is never long empty would always be first, and a backlog would starve beside it.

-- Lets `tenant` be served at `vt` at the earliest, unless something keeps all of it (`later`).
local function tenant_ready(tenant, vt)
    if call('ZSCORE', p .. 'turn', tenant) or call('ZSCORE', p .. 'later', tenant) then return end
    local left = tonumber(call('ZSCORE', p .. 'tag', tenant) or 0)
    call('ZADD', p .. 'turn', whole(math.max(vt, left)), tenant)
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
