-- Takes up to `want` jobs, fairly: tenants in the order of their virtual time, and under each its
-- lanes in theirs. Serving costs a tenant virtual time: the jobs' cost divided by its weight
-- (start-time fair queueing; a newcomer starts at the time of whoever is served now, so that being
-- idle saves nothing up). A visit takes a few jobs at once: its price is mostly the same, and the
-- virtual time makes up for it. Numbers are handed over as whole ones in text: Redis prints and
-- parses floats slowly. A lane that is paused, penalised or out of tokens moves to `later` and
-- costs nothing until its time has come.
-- KEYS[1] prefix; ARGV: want, lease_ms, worker, visits
-- Answers {wait_ms, id, token, value, id, token, value, …}
local p = KEYS[1]
local want, lease_ms, worker, visits = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local FAR = 4102444800000 -- 2100: paused until somebody resumes

local turn, later, jobs_key = p .. 'turn', p .. 'later', p .. 'jobs'
local pauses = call('EXISTS', p .. 'pause') == 1
local limits = call('EXISTS', p .. 'limit') == 1
local penalties = call('EXISTS', p .. 'penalty') == 1
local weights = call('EXISTS', p .. 'weight') == 1

-- The instant until which `name` is paused or penalised, if that is in the future.
local function closed_until(name)
    local until_ms = 0
    if pauses then
        local at = call('HGET', p .. 'pause', name)
        if at then
            at = tonumber(at)
            if at == 0 then at = FAR end
            if at > until_ms then until_ms = at end
        end
    end
    if penalties then
        local at = call('HGET', p .. 'penalty', name)
        if at then
            at = tonumber(at)
            if at <= now then call('HDEL', p .. 'penalty', name) elseif at > until_ms then until_ms = at end
        end
    end
    if until_ms > now then return until_ms end
    return nil
end

-- A bucket (GCRA): {name, ms per unit, tolerance, theoretical arrival time}, or nil if unlimited.
local function bucket(name)
    local spec = call('HGET', p .. 'limit', name)
    if not spec then return nil end
    local rate, burst = string.match(spec, '^(%S+) (%S+)$')
    local step = 1000 / tonumber(rate)
    local tat = tonumber(call('HGET', p .. 'tat', name) or 0)
    return { name = name, step = step, tau = step * tonumber(burst), tat = math.max(tat, now), dirty = false }
end

-- When a job of this cost may pass (now or earlier: at once). One dearer than the whole burst
-- passes once the bucket is full.
local function passes_at(b, cost)
    return b.tat + math.min(cost * b.step, b.tau) - b.tau
end

local function settle_bucket(b)
    if b and b.dirty then call('HSET', p .. 'tat', b.name, string.format('%.3f', b.tat)) end
end

-- Brings what is due back into the turn at virtual time `at`.
local function wake(later_key, turn_key, at)
    local due = call('ZRANGEBYSCORE', later_key, '-inf', now, 'LIMIT', 0, 100)
    for _, member in ipairs(due) do
        call('ZREM', later_key, member)
        call('ZADD', turn_key, 'NX', at, member)
    end
end

local answer = { -1 }
-- Nobody has told this Redis the limits and pauses yet (it is new, or was emptied): nothing may start.
if call('HEXISTS', p .. 'meta', 'open') == 0 then
    answer[1] = 50
    return answer
end
local closed = pauses and closed_until('*') or nil
if closed then
    answer[1] = math.min(closed - now, 1000)
    return answer
end

local QUANTUM = 8
local function whole(n) return string.format('%d', n) end

local vt = tonumber(call('HGET', p .. 'meta', 'vt') or 0)
wake(later, turn, whole(vt))
local lease_args, hash_args, token = {}, {}, nil
local deadline = whole(now + lease_ms)
local taken = 0
local contenders = call('ZCARD', turn)
-- A small claim still looks at several tenants.
local share = math.max(1, math.min(QUANTUM, math.floor(want / 8)))
if contenders > 0 then share = math.max(share, math.floor(want / contenders)) end

local function take(id, value, name)
    taken = taken + 1
    if not token then
        token = math.max(tonumber(call('HGET', p .. 'meta', 'token') or 0), time[1] * 1000000 + time[2])
    end
    token = token + 1
    local text = whole(token)
    lease_args[#lease_args + 1] = deadline
    lease_args[#lease_args + 1] = id
    hash_args[#hash_args + 1] = id
    hash_args[#hash_args + 1] = text .. '\n' .. worker .. '\n' .. name
    answer[#answer + 1] = id
    answer[#answer + 1] = text
    answer[#answer + 1] = value
end

-- Serves one lane with at most `most` jobs, no bucket in the way. Answers the cost and whether it is empty.
local function serve_free(lane_key, name, most)
    local popped = call('ZPOPMIN', lane_key, most)
    local ids = {}
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
    if #ids == 0 then return 0, true end
    local values = call('HMGET', jobs_key, unpack(ids))
    local cost_sum = 0
    for i, id in ipairs(ids) do
        if values[i] then
            cost_sum = cost_sum + math.max(tonumber(string.match(values[i], '^%d+') or 1), 1)
            take(id, values[i], name)
        end
    end
    return cost_sum, #ids < most
end

-- The same under buckets. Answers also until when the lane has to wait, if it has to.
local function serve_limited(lane_key, name, most, tenant_bucket, lane_bucket)
    local ids = call('ZRANGE', lane_key, 0, most - 1)
    if #ids == 0 then return 0, true end
    local values = call('HMGET', jobs_key, unpack(ids))
    local gone, cost_sum, wait = {}, 0, nil
    for i, id in ipairs(ids) do
        if not values[i] then
            gone[#gone + 1] = id
        else
            local cost = tonumber(string.match(values[i], '^%d+') or 1)
            local at = now
            if tenant_bucket then at = math.max(at, passes_at(tenant_bucket, cost)) end
            if lane_bucket then at = math.max(at, passes_at(lane_bucket, cost)) end
            if at > now then
                wait = math.ceil(at)
                break
            end
            for _, b in pairs({ tenant_bucket or false, lane_bucket or false }) do
                if b then
                    b.tat = b.tat + cost * b.step
                    b.dirty = true
                end
            end
            gone[#gone + 1] = id
            cost_sum = cost_sum + math.max(cost, 1)
            take(id, values[i], name)
        end
    end
    if #gone > 0 then call('ZREM', lane_key, unpack(gone)) end
    settle_bucket(lane_bucket)
    return cost_sum, not wait and #ids < most, wait
end

-- Serves one tenant with at most `quota` jobs. Answers the cost.
local function visit(tenant, quota)
    local lane_turn, lane_later = p .. 'turn:' .. tenant, p .. 'later:' .. tenant
    local spent, woken = 0, false
    local tenant_bucket = limits and bucket(tenant) or nil
    while quota > 0 do
        local head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
        if not woken then
            woken = true
            wake(lane_later, lane_turn, head[2] or '0')
            if #head == 0 then head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES') end
        end
        if #head == 0 then break end
        local lane, at = head[1], tonumber(head[2])
        local name = tenant .. '\n' .. lane
        local lane_key = p .. 'lane:' .. name
        local before, cost, empty = taken, 0, false
        local wait = (pauses or penalties) and lane ~= '' and closed_until(name) or nil
        if not wait then
            local lane_bucket = limits and lane ~= '' and bucket(name) or nil
            if tenant_bucket or lane_bucket then
                cost, empty, wait = serve_limited(lane_key, name, quota, tenant_bucket, lane_bucket)
            else
                cost, empty = serve_free(lane_key, name, quota)
            end
        end
        -- A lane of ghosts (ids without a job) must not turn in circles.
        quota = quota - math.max(taken - before, 1)
        spent = spent + cost
        if wait then
            call('ZREM', lane_turn, lane)
            call('ZADD', lane_later, whole(wait), lane)
        elseif empty or call('EXISTS', lane_key) == 0 then
            call('ZREM', lane_turn, lane)
        else
            call('ZADD', lane_turn, whole(at + cost), lane)
        end
    end
    settle_bucket(tenant_bucket)
    return spent
end

while taken < want and visits > 0 do
    local heads = call('ZRANGE', turn, 0, math.min(visits, math.ceil((want - taken) / share)) - 1, 'WITHSCORES')
    if #heads == 0 then break end
    -- The least virtual time of those served in this round: it may be their turn again before the rest's.
    local again = math.huge
    for i = 1, #heads, 2 do
        local tenant, at = heads[i], tonumber(heads[i + 1])
        if taken >= want or at > again then break end
        visits = visits - 1
        vt = math.max(vt, at)
        local shut = (pauses or penalties) and closed_until(tenant) or nil
        if shut then
            call('ZREM', turn, tenant)
            call('ZADD', later, whole(shut), tenant)
        else
            local spent = visit(tenant, math.min(share, want - taken))
            if call('EXISTS', p .. 'turn:' .. tenant) == 1 then
                local weight = weights and tonumber(call('HGET', p .. 'weight', tenant) or 1) or 1
                local next_at = at + math.ceil(spent * 1000 / weight)
                again = math.min(again, next_at)
                call('ZADD', turn, whole(next_at), tenant)
            else
                call('ZREM', turn, tenant)
                local next_lane = call('ZRANGE', p .. 'later:' .. tenant, 0, 0, 'WITHSCORES')
                if #next_lane > 0 then call('ZADD', later, next_lane[2], tenant) end
            end
        end
    end
end

if taken > 0 then
    call('ZADD', p .. 'leases', unpack(lease_args))
    call('HSET', p .. 'lease', unpack(hash_args))
    call('HSET', p .. 'meta', 'vt', whole(vt), 'token', whole(token))
end
if call('EXISTS', turn) == 1 then
    answer[1] = 0
    -- Somebody else may have free slots for what is left.
    if call('LLEN', p .. 'bell') == 0 then call('LPUSH', p .. 'bell', 1) end
else
    local next_due = call('ZRANGE', later, 0, 0, 'WITHSCORES')
    if #next_due > 0 then answer[1] = math.max(1, math.ceil(tonumber(next_due[2]) - now)) end
end
return answer
