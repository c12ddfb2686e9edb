-- Takes up to `want` jobs, fairly: tenants in the order of their virtual time, and under each its
-- lanes in theirs. Serving costs a tenant virtual time: the jobs' cost divided by its weight
-- (start-time fair queueing). A visit takes a few jobs at once: its price is mostly the same, and the
-- virtual time makes up for it.
-- Before any take, all gates of a lane are asked together (parts/gates.lua). One that is shut costs
-- nothing until it opens: a tenant's own is left in `later` as the tenant, any other is left there as
-- the key, and the lanes that it stops wait at it, in the order of their tenants' virtual time
-- (`wait:<key>`, `parked:<tenant>`): when it opens, as many come back as it lets through. So ten
-- thousand lanes under one shared rate cost no more than one.
-- KEYS[1] prefix; ARGV: want, lease_ms, worker, steps, run (which Redis is meant), when it was asked (ms, by Redis' own
-- clock), how long an answer is waited for (ms). Steps are what may
-- be looked at, and bound the call: a lane with gates costs GATED, one for four things that are read of its keys, and one a
-- job; any other FREE, a key that is woken WOKEN.
-- Answers {wait_ms (-1: until the bell; -2: the queue is closed; -3: nobody waits for the answer), now_ms, token, id,
-- value, …}, one token for all; an id after a '-': the job's kind is paused.
local want, lease_ms, worker, steps = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local turn, later, jobs_key = p .. 'turn', p .. 'later', p .. 'jobs'
local answer = { -1, now, '' }
-- Nobody has told this Redis the limits and pauses yet (it is new, was emptied or restarted): nothing may start.
-- Whoever opens the queue rings the bell.
if not is_open(ARGV[5]) then
    answer[1] = -2
    return answer
end

if now + skew - tonumber(ARGV[6]) > tonumber(ARGV[7]) then
    answer[1] = -3
    return answer
end

local QUANTUM = 16
local GATED, FREE, WOKEN = 6, 2, 8
local IN_ORDER = 1000 -- virtual time by which lanes of one tenant can be apart at a key: next to nothing
local vt = tonumber(state[4] or 0)
local deadline = whole(now + lease_ms)
local taken = 0
local weights = call('EXISTS', p .. 'weight') == 1
local shut_all = nil -- until when the whole queue is shut
local contenders = 0 -- tenants in the turn
local any_owed = call('EXISTS', p .. 'owed') == 1
local dried = false -- whether the tenant that was served last has more in the ledger
local sated = false -- whether a tenant has had its portion of what is shared
local any_full = call('EXISTS', p .. 'full') == 1 -- lanes with more in the ledger than here

-- The paused kinds, where there are any.
local kinds = nil
local pauses = call('HGETALL', p .. 'kinds')
for i = 1, #pauses, 2 do
    if pause_end(pauses[i + 1]) > now then
        kinds = kinds or {}
        kinds[pauses[i]] = true
    end
end
local function is_parked(value)
    return kinds ~= nil and kinds[string.match(value, '"k":"([^"]*)"') or ''] == true
end

-- Tenants whose waits are measured (the deepest ones; the keeper says which).
local watched = {}
for _, tenant in ipairs(call('SMEMBERS', p .. 'watched')) do watched[tenant] = true end
local function dwell(tenant, id)
    local made = tonumber(string.sub(id, 1, 8) .. string.sub(id, 10, 13), 16)
    -- When it was due, if that is later: in the header, which is the first line.
    local due = string.match(call('HGET', jobs_key, id) or '', '^[^\n]*"d":(%d+)')
    call('LPUSH', p .. 'dwell:' .. tenant, whole(math.max(now - tonumber(due or made), 0)))
    call('LTRIM', p .. 'dwell:' .. tenant, 0, 511)
end

-- Sets when a key's waiting lanes are looked at: the first lane of this call says so, being the first in order.
local scheduled, woken = {}, {}
local function schedule(key, at)
    if scheduled[key] then return end
    scheduled[key] = true
    local due = call('ZSCORE', later, key)
    if not due or tonumber(due) <= now then call('ZADD', later, whole(at), key) end
end

-- Lets come back as many of the lanes that wait at `key` as it lets through. Answers the steps.
local function wake_lanes(key, most)
    call('ZREM', later, key)
    load({ key })
    local gate = gates[key]
    if gate then
        local at = blocked(gate, 1)
        if at then
            schedule(key, at)
            return WOKEN
        end
        most = let_pass(gate, most)
    end
    woken[key] = true
    local names = call('ZPOPMIN', p .. 'wait:' .. key, most)
    for i = 1, #names, 2 do
        local tenant, lane = split(names[i])
        call('HDEL', p .. 'parked:' .. tenant, lane)
        local since = vt
        -- Who waited for its part of what is scarce goes on from where it stood; who was merely shut out saved nothing.
        if gate and (gate.step or gate.free) then since = math.max(tonumber(names[i + 1]), vt - OWED) end
        if call('EXISTS', p .. 'lane:' .. names[i]) == 1 then
            lane_ready(tenant, lane, since)
        elseif any_owed then
            call('HDEL', p .. 'owed', tenant)
        end
    end
    return WOKEN + #names
end

-- Brings what is due back into the turn.
local function wake()
    local room = math.floor(steps / 3)
    for _, member in ipairs(call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, room)) do
        if room <= 0 then return end
        local woke = 1
        if string.find(member, '\n', 1, true) then
            woke = wake_lanes(member, math.ceil(room))
        else
            call('ZREM', later, member)
            if call('EXISTS', p .. 'turn:' .. member) == 1 then tenant_ready(member, vt) end
        end
        room, steps = room - woke, steps - woke
    end
end

-- One token for all that a call takes: it tells runs of one job apart.
local token = whole(math.max(tonumber(state[5] or 0), micros) + 1)
local lease_args, hash_args = {}, {}
local function take(id, value, lease, parked)
    taken = taken + 1
    local at = 2 * taken
    lease_args[at - 1], lease_args[at] = deadline, id
    hash_args[at - 1], hash_args[at] = id, lease
    answer[at + 2], answer[at + 3] = parked and '-' .. id or id, value
end

local function cost_of(value) return tonumber(string.match(value, '^%d+') or 1) end

-- Serves one lane with at most `most` jobs, no gate in the way. Answers the cost, the first job, and whether the lane
-- is empty (nil: perhaps).
local function serve_free(lane_key, name, most)
    local ids = call('ZRANGE', lane_key, 0, most - 1)
    if #ids == 0 then return 0, nil, true end
    call('ZREMRANGEBYRANK', lane_key, 0, #ids - 1)
    local values = call('HMGET', jobs_key, unpack(ids))
    local cost_sum, lease = 0, lease_text(token, worker, name)
    for i, id in ipairs(ids) do
        if values[i] then
            cost_sum = cost_sum + math.max(cost_of(values[i]), 1)
            take(id, values[i], lease, is_parked(values[i]))
        end
    end
    return cost_sum, ids[1], #ids < most or nil
end

-- The same where gates are. Answers also the gate that stops the lane, if one does, and until when: the widest one
-- that stops more than this lane, else the one that stops it longest.
local function stopping(list, tenant, cost)
    local by, last = nil, 0
    for i = 1, #list do
        local at = blocked(list[i], cost)
        if at then
            if list[i].key == '*' or list[i].key == tenant then return list[i].key, at end
            if at > last then by, last = list[i].key, at end
        end
    end
    return by, last
end

-- What little all tenants share is not all for the first that comes.
local function portion(gate, most)
    if gate.key ~= '*' and string.sub(gate.key, 1, #NOBODY) ~= NOBODY then return most end
    local left = most * contenders
    if gate.free then left = math.min(left, gate.free) end
    if gate.step then left = math.min(left, (now + gate.tau - gate.tat) / gate.step) end
    return math.min(most, math.max(1, math.floor(left / contenders)))
end

local function serve_gated(lane_key, name, tenant, quota, list)
    local by, at = stopping(list, tenant, 0)
    if by then return 0, nil, false, by, at end
    local most = quota
    for i = 1, #list do most = portion(list[i], most) end
    sated = most < quota
    if not kinds then
        for i = 1, #list do most = let_pass(list[i], most) end
    end
    local ids = call('ZRANGE', lane_key, 0, most - 1)
    if #ids == 0 then return 0, nil, true end
    local values = call('HMGET', jobs_key, unpack(ids))
    local count, first, together, costs = 0, nil, 0, {}
    for i = 1, #ids do
        if values[i] then
            costs[i] = cost_of(values[i])
            count, first, together = count + 1, first or ids[i], together + costs[i]
        end
    end
    local all = not kinds and count > 0 and fit(list, together, count)
    if all then
        for j = 1, #list do charge(list[j], together, count, first) end
    end
    local cost_sum, served, lease = 0, 0, lease_text(token, worker, name)
    for i, id in ipairs(ids) do
        if values[i] then
            local cost, parked = costs[i], is_parked(values[i])
            if not all and not parked then
                by, at = stopping(list, tenant, cost)
                if by then break end
                for j = 1, #list do charge(list[j], cost, 1, id) end
            end
            cost_sum = cost_sum + math.max(cost, 1)
            take(id, values[i], lease, parked)
        end
        served = i
    end
    if served > 0 then call('ZREMRANGEBYRANK', lane_key, 0, served - 1) end
    if not by and not sated and #ids == most and most < quota then
        -- Something lets no more pass: what the next one would wait for.
        local next_id = call('ZRANGE', lane_key, 0, 0)[1]
        local value = next_id and call('HGET', jobs_key, next_id)
        if value and not is_parked(value) then by, at = stopping(list, tenant, cost_of(value)) end
    end
    return cost_sum, ids[1], not by and #ids < most or nil, by, at
end

-- Forgets where those left off who would come back later than that anyway, some at a time: one that stays says nothing.
local function forget_turns(tags, upto)
    local over = call('ZCOUNT', tags, '-inf', upto)
    if over > 0 then call('ZREMRANGEBYRANK', tags, 0, math.min(over, 256) - 1) end
end

-- Serves one tenant, whose virtual time is `at` and whose weight `weight`, with at most `quota` jobs. Answers the cost, and
-- until when the tenant has to wait, if it has to.
local function visit(tenant, at, weight, quota)
    local lane_turn = p .. 'turn:' .. tenant
    local spent, left, tenant_at, first_at = 0, nil, nil, nil
    sated, dried = false, false
    while quota > 0 and not shut_all and not tenant_at and not sated do
        local head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
        if #head == 0 then break end
        local lane, lane_at = head[1], tonumber(head[2])
        first_at = first_at or lane_at
        local name = tenant .. '\n' .. lane
        local lane_key = p .. 'lane:' .. name
        local before, keys = taken, gated and keys_of(tenant, lane)
        local list = keys and gates_at(keys)
        local cost, first, empty, by, until_ms
        if list and #list > 0 then
            cost, first, empty, by, until_ms = serve_gated(lane_key, name, tenant, quota, list)
            steps = steps - GATED - math.ceil(#keys * reads / 4) - (taken - before)
        else
            steps = steps - FREE
            cost, first, empty = serve_free(lane_key, name, quota)
        end
        if taken > before then count_live(name, taken - before) end
        if watched[tenant] then
            if taken > before then dwell(tenant, first) end
            if by then call('HINCRBY', p .. 'throttled', tenant, 1) end
        end
        -- A lane of ghosts (ids without a job) must not turn in circles.
        quota = steps > 0 and quota - math.max(taken - before, 1) or 0
        spent = spent + cost
        local gone = false
        if by == '*' then
            shut_all = until_ms
        elseif by == tenant then
            tenant_at = until_ms
        elseif by then
            gone = true
            call('HSET', p .. 'parked:' .. tenant, lane, by)
            -- After what the tenant was served, or it would come first again and again; its lanes in their order.
            local after = at + spent * PER_COST / weight + math.min(lane_at + cost - first_at, IN_ORDER)
            call('ZADD', p .. 'wait:' .. by, whole(after), name)
            schedule(by, until_ms)
            -- Nor does anybody pass it in what is left of this call.
            gates[by].queued = math.max(gates[by].queued or 0, until_ms)
        else
            if empty == nil then empty = call('EXISTS', lane_key) == 0 end
            gone = empty
            if gone and any_full and call('SISMEMBER', p .. 'full', name) == 1 then
                call('SADD', p .. 'dry', name)
                dried = true
            end
        end
        if gone then
            call('ZREM', lane_turn, lane)
            left = left or {}
            left[#left + 1] = whole(lane_at + cost)
            left[#left + 1] = lane
        elseif cost > 0 then
            call('ZADD', lane_turn, whole(lane_at + cost), lane)
        end
    end
    if left then
        -- Where a lane left off matters only beside others that are served meanwhile.
        local tags, head = p .. 'tags:' .. tenant, call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
        if #head > 0 then
            call('ZADD', tags, unpack(left))
            forget_turns(tags, head[2])
        else
            call('UNLINK', tags)
            return spent, tenant_at, true
        end
    end
    return spent, tenant_at, false
end

-- What is left of `price` for one that is owed something: the other half is paid with that.
local function reduced(tenant, price, owed)
    local off = math.min(owed, math.floor(price / 2))
    if off < owed then
        call('HSET', p .. 'owed', tenant, whole(owed - off))
    else
        call('HDEL', p .. 'owed', tenant)
    end
    return price - off
end

wake()
if gated then
    local all = gates_at({ '*' })[1]
    shut_all = all and blocked(all, 0)
end
if not shut_all then contenders = call('ZCARD', turn) end
-- A small claim still looks at several tenants.
local share = math.max(1, math.min(QUANTUM, math.floor(want / 8)))
if contenders > 0 then share = math.max(share, math.floor(want / contenders)) end

while taken < want and steps > 0 and contenders > 0 and not shut_all do
    local heads = call('ZRANGE', turn, 0, math.min(steps, math.ceil((want - taken) / share)) - 1, 'WITHSCORES')
    if #heads == 0 then break end
    local shares, owed = nil, nil
    if weights or any_owed then
        local names = {}
        for i = 1, #heads, 2 do names[#names + 1] = heads[i] end
        shares = weights and call('HMGET', p .. 'weight', unpack(names))
        owed = any_owed and call('HMGET', p .. 'owed', unpack(names))
    end
    -- The least virtual time of those served in this round: it may be their turn again before the rest's.
    local again = math.huge
    for i = 1, #heads, 2 do
        local tenant, at = heads[i], tonumber(heads[i + 1])
        if taken >= want or steps <= 0 or shut_all or at > again then break end
        local weight = shares and tonumber(shares[(i + 1) / 2] or 1) or 1
        local spent, tenant_at, idle = visit(tenant, at, weight, math.min(share, want - taken))
        local next_at = at
        if spent > 0 then
            vt = math.max(vt, at)
            local price = math.ceil(spent * PER_COST / weight)
            local its = owed and owed[(i + 1) / 2]
            -- Where it has to leave, what it is owed is kept for when it is back.
            next_at = at + (its and not idle and reduced(tenant, price, tonumber(its)) or price)
        end
        if tenant_at or idle or (spent == 0 and not shut_all and call('EXISTS', p .. 'turn:' .. tenant) == 0) then
            steps = steps - 1
            call('ZREM', turn, tenant)
            -- One that is behind because it waits for its part of what is scarce stays so much behind and no more.
            local waits = gated and (next_at <= vt or any_owed) and call('EXISTS', p .. 'parked:' .. tenant) == 1
            if next_at > vt or waits then call('ZADD', p .. 'tag', whole(next_at), tenant) end
            if tenant_at then
                call('ZADD', later, whole(tenant_at), tenant)
            elseif dried then
                call('ZADD', p .. 'away', whole(next_at), tenant)
            elseif any_owed and not waits then
                call('HDEL', p .. 'owed', tenant)
            end
        elseif spent > 0 then
            again = math.min(again, next_at)
            call('ZADD', turn, whole(next_at), tenant)
        else
            again = math.min(again, at)
        end
    end
end

-- Keys that woke some of their lanes and have more: when these may be looked at.
for key, _ in pairs(woken) do
    if not scheduled[key] and call('EXISTS', p .. 'wait:' .. key) == 1 then
        schedule(key, gates[key] and blocked(gates[key], 1) or now)
    end
end
if taken > 0 then
    settle_gates()
    write_live()
    call('ZADD', p .. 'leases', unpack(lease_args))
    call('HSET', jobs_key, unpack(hash_args))
    call('HSET', p .. 'meta', 'vt', whole(vt), 'token', token)
    answer[3] = token
    forget_turns(p .. 'tag', whole(gated and vt - OWED or vt))
end
if shut_all then
    answer[1] = math.min(math.max(shut_all - now, 1), 1000)
elseif call('EXISTS', turn) == 1 then
    answer[1] = 0
    -- Somebody else may have free slots for what is left.
    ring()
else
    local next_due = call('ZRANGE', later, 0, 0, 'WITHSCORES')
    if #next_due > 0 then answer[1] = math.max(1, math.ceil(tonumber(next_due[2]) - now)) end
end
return answer
