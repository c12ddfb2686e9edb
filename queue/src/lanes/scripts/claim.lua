-- Takes up to `want` jobs, fairly: tenants in the order of their virtual time, and under each its
-- lanes in theirs. Serving costs a tenant virtual time: the jobs' cost divided by its weight
-- (start-time fair queueing; a newcomer starts at the time of whoever is served now, so that being
-- idle saves nothing up). A lane that is paused, penalised or out of tokens moves to `later` and
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

local vt = tonumber(call('HGET', p .. 'meta', 'vt') or 0)
wake(later, turn, vt)
local lease_args, hash_args, token = {}, {}, nil
local taken = 0
local contenders = call('ZCARD', turn)
local share = contenders > 0 and math.max(1, math.floor(want / contenders)) or 1

-- Serves one lane with at most `most` jobs. Answers the cost taken and, if the lane has to wait,
-- until when; an empty lane answers nil, true.
local function serve(tenant, lane, tenant_bucket, most)
    local name = tenant .. '\n' .. lane
    local shut = (pauses or penalties) and lane ~= '' and closed_until(name) or nil
    if shut then return 0, shut end
    local lane_key = p .. 'lane:' .. name
    local ids = call('ZRANGE', lane_key, 0, most - 1)
    if #ids == 0 then return nil, true end
    local values = call('HMGET', jobs_key, unpack(ids))
    local lane_bucket = limits and lane ~= '' and bucket(name) or nil
    local gone, cost_sum, wait = {}, 0, nil
    for i, id in ipairs(ids) do
        local value = values[i]
        if not value then
            gone[#gone + 1] = id
        else
            local cost = tonumber(string.match(value, '^%d+'))
            local at = now
            if tenant_bucket then at = math.max(at, passes_at(tenant_bucket, cost)) end
            if lane_bucket then at = math.max(at, passes_at(lane_bucket, cost)) end
            if at > now then
                wait = math.ceil(at)
                break
            end
            if tenant_bucket then tenant_bucket.tat = tenant_bucket.tat + cost * tenant_bucket.step; tenant_bucket.dirty = true end
            if lane_bucket then lane_bucket.tat = lane_bucket.tat + cost * lane_bucket.step; lane_bucket.dirty = true end
            gone[#gone + 1] = id
            cost_sum = cost_sum + math.max(cost, 1)
            taken = taken + 1
            if not token then
                token = math.max(tonumber(call('HGET', p .. 'meta', 'token') or 0), time[1] * 1000000 + time[2])
            end
            token = token + 1
            local text = string.format('%.0f', token)
            lease_args[#lease_args + 1] = now + lease_ms
            lease_args[#lease_args + 1] = id
            hash_args[#hash_args + 1] = id
            hash_args[#hash_args + 1] = text .. '\n' .. worker .. '\n' .. name
            answer[#answer + 1] = id
            answer[#answer + 1] = text
            answer[#answer + 1] = value
        end
    end
    if #gone > 0 then call('ZREM', lane_key, unpack(gone)) end
    settle_bucket(lane_bucket)
    if wait then return cost_sum, wait end
    return cost_sum, nil
end

while taken < want and visits > 0 do
    visits = visits - 1
    local head = call('ZRANGE', turn, 0, 0, 'WITHSCORES')
    if #head == 0 then break end
    local tenant = head[1]
    vt = math.max(vt, tonumber(head[2]))
    local lane_turn, lane_later = p .. 'turn:' .. tenant, p .. 'later:' .. tenant
    local shut = (pauses or penalties) and closed_until(tenant) or nil
    if shut then
        call('ZREM', turn, tenant)
        call('ZADD', later, shut, tenant)
    else
        local lane_head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
        local lane_vt = lane_head[2] and tonumber(lane_head[2]) or 0
        wake(lane_later, lane_turn, lane_vt)
        local tenant_bucket = limits and bucket(tenant) or nil
        local quota, spent = math.min(share, want - taken), 0
        while quota > 0 do
            local lane_next = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
            if #lane_next == 0 then break end
            local lane, at = lane_next[1], tonumber(lane_next[2])
            local before = taken
            local cost, wait = serve(tenant, lane, tenant_bucket, quota)
            quota = quota - (taken - before)
            if cost == nil then
                call('ZREM', lane_turn, lane)
            else
                spent = spent + cost
                if wait then
                    call('ZREM', lane_turn, lane)
                    call('ZADD', lane_later, wait, lane)
                elseif call('EXISTS', p .. 'lane:' .. tenant .. '\n' .. lane) == 0 then
                    call('ZREM', lane_turn, lane)
                else
                    call('ZADD', lane_turn, at + cost, lane)
                    if cost == 0 and taken == before then quota = quota - 1 end
                end
            end
        end
        settle_bucket(tenant_bucket)
        if call('EXISTS', lane_turn) == 1 then
            local weight = weights and tonumber(call('HGET', p .. 'weight', tenant) or 1) or 1
            call('ZADD', turn, vt + spent / weight, tenant)
        else
            call('ZREM', turn, tenant)
            local next_lane = call('ZRANGE', lane_later, 0, 0, 'WITHSCORES')
            if #next_lane > 0 then call('ZADD', later, next_lane[2], tenant) end
        end
    end
end

if taken > 0 then
    call('ZADD', p .. 'leases', unpack(lease_args))
    call('HSET', p .. 'lease', unpack(hash_args))
    call('HSET', p .. 'meta', 'vt', string.format('%.6f', vt), 'token', string.format('%.0f', token))
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
