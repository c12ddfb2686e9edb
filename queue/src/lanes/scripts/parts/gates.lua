-- Part of several scripts: what may keep a lane from being served, key by key. A gate is read once a call, one
-- command a kind for all keys of a lane, and none for kinds that nobody uses.
local gates = {} -- by key; false: nothing is set there
local has, gated = {}, false
local reads = 0 -- what is read of each key
-- Whether the limits and pauses were copied to this Redis since it was started or emptied.
local function is_open(run) return state[1] and state[6] == run end
local drained, settle = tonumber(state[2] or 0), tonumber(state[3] or 0)
local RECHECK = 1000 -- what has no known end is looked at again after so long
-- Called with (gate, why, until) for everything that is found shut; explain wants each, a claim the longest.
local noted = nil
-- The job that asks, if it may be the one that tries whether a breaker can close.
local asking = nil

local KINDS = { 'limit', 'pause', 'penalty', 'hours', 'breaker' }
if call('EXISTS', p .. 'limit', p .. 'pause', p .. 'penalty', p .. 'hours', p .. 'breaker') > 0 then
    gated = true
    for _, kind in ipairs(KINDS) do
        has[kind] = call('EXISTS', p .. kind) == 1
        if has[kind] then reads = reads + (kind == 'limit' and 4 or 1) end
    end
end

local function shut(gate, why, until_ms)
    if until_ms <= now then return end
    if noted then noted(gate, why, until_ms) end
    if not gate.shut or until_ms > gate.shut then gate.shut = until_ms end
end

-- The earlier and later end of two pauses, `-` where there is none, 0 where it has no end.
local function pause_end(value)
    local own, every = string.match(value, '^(%S+) (%S+)$')
    local last = 0
    for _, at in ipairs({ own, every }) do
        at = tonumber(at)
        if at == 0 then at = FAR end
        if at and at > last then last = at end
    end
    return last
end

-- A rate is a bucket (GCRA): the bucket is full again at `tat`. One set before the queue was last opened began
-- empty then, because nobody knows what had been taken.
local function read_limit(gate, value, tat, running)
    local rate, burst, most, at = string.match(value, '^(%S+) (%S+) (%S+) (%S+)$')
    if rate ~= '-' then
        gate.step = 1000 / tonumber(rate)
        gate.tau = gate.step * tonumber(burst)
        gate.tat = math.max(tonumber(tat or 0), now)
        if tonumber(at) <= drained then gate.tat = math.max(gate.tat, drained + gate.tau) end
    end
    if most ~= '-' then
        gate.most = tonumber(most)
        -- The queue's own are its leases.
        gate.running = gate.key == '*' and call('ZCARD', p .. 'leases') or tonumber(running or 0)
        gate.free = gate.most - gate.running
        -- After a flush, until every worker has said again what it runs.
        if settle > now then gate.free = 0 end
    end
end

local readers = {
    pause = function(gate, value) shut(gate, 'paused', pause_end(value)) end,
    penalty = function(gate, value)
        local at = tonumber(value)
        if at <= now then call('HDEL', p .. 'penalty', gate.key) else shut(gate, 'penalised', at) end
    end,
    hours = function(gate, value)
        local opens, closes = string.match(value, '^(%S+) (%S+)$')
        opens, closes = tonumber(opens), tonumber(closes)
        -- The keeper writes the next opening once this one is over.
        if now >= closes then shut(gate, 'hours', now + RECHECK) else shut(gate, 'hours', opens) end
    end,
    breaker = function(gate, value)
        local until_ms, _, probe = string.match(value, '^(%S+) (%S+) (%S+)$')
        until_ms = tonumber(until_ms)
        if until_ms > now then
            shut(gate, 'breaker', until_ms)
        elseif probe ~= '-' and probe ~= asking and is_lease(call('HGET', p .. 'jobs', probe)) then
            shut(gate, 'breaker', now + RECHECK)
        else
            gate.probe = value
        end
    end,
}

-- Reads the gates of `keys` that were not read yet.
local function load(keys)
    local missing = {}
    for i = 1, #keys do
        if gates[keys[i]] == nil then
            gates[keys[i]] = false
            missing[#missing + 1] = keys[i]
        end
    end
    if #missing == 0 then return end
    for _, kind in ipairs(KINDS) do
        if has[kind] then
            local values = call('HMGET', p .. kind, unpack(missing))
            local tats, firsts, runs = nil, nil, nil
            for i = 1, #missing do
                if values[i] then
                    local gate = gates[missing[i]] or { key = missing[i] }
                    gates[missing[i]] = gate
                    if kind == 'limit' then
                        if not tats then
                            tats = call('HMGET', p .. 'tat', unpack(missing))
                            firsts = call('ZMSCORE', p .. 'later', unpack(missing))
                            runs = call('HMGET', p .. 'live', unpack(missing))
                        end
                        read_limit(gate, values[i], tats[i], runs[i])
                        -- Whoever waits here already goes first.
                        if firsts[i] and tonumber(firsts[i]) > now then gate.queued = tonumber(firsts[i]) end
                    else
                        readers[kind](gate, values[i])
                    end
                end
            end
        end
    end
end

-- The gates at `keys`, those where something is set.
local function gates_at(keys)
    load(keys)
    local found = {}
    for i = 1, #keys do
        if gates[keys[i]] then found[#found + 1] = gates[keys[i]] end
    end
    return found
end

-- Until when a job of this cost may not pass; nil: it may. One dearer than the whole burst passes a full bucket.
local function blocked(gate, cost)
    local at = gate.shut or 0
    if gate.step then at = math.max(at, math.ceil(gate.tat + math.min(cost * gate.step, gate.tau) - gate.tau)) end
    if gate.free and gate.free <= 0 then at = math.max(at, settle > now and settle or now + RECHECK) end
    if gate.queued then at = math.max(at, gate.queued) end
    if at > now then return at end
    return nil
end

-- How many jobs of cost 1 the gate lets pass of so many: whatever is taken from a lane in vain is put back.
local function let_pass(gate, most)
    if gate.probe then return 1 end
    if gate.free then most = math.min(most, math.max(gate.free, 1)) end
    if gate.step then most = math.min(most, math.max(1, math.floor((now + gate.tau - gate.tat) / gate.step))) end
    return most
end

-- Whether jobs of this cost together pass all at once, none of the gates being shut.
local function fit(list, cost, count)
    for i = 1, #list do
        local gate = list[i]
        if gate.probe or (gate.free and gate.free < count)
            or (gate.step and gate.tat + cost * gate.step - gate.tau > now) then
            return false
        end
    end
    return true
end

-- Takes for `count` jobs that cost so much together, `first` one of them, what the gate gives.
local function charge(gate, cost, count, first)
    if gate.step then
        gate.tat = gate.tat + cost * gate.step
        gate.dirty = true
    end
    if gate.free then gate.free = gate.free - count end
    if gate.probe then
        local until_ms, opens = string.match(gate.probe, '^(%S+) (%S+)')
        call('HSET', p .. 'breaker', gate.key, until_ms .. ' ' .. opens .. ' ' .. first)
        gate.probe = nil
        gate.shut = now + RECHECK
    end
end

-- Writes down what was taken.
local function settle_gates()
    local tats = {}
    for key, gate in pairs(gates) do
        if gate and gate.dirty then
            tats[#tats + 1] = key
            tats[#tats + 1] = string.format('%.3f', gate.tat)
        end
    end
    for i = 1, #tats, 1000 do call('HSET', p .. 'tat', unpack(tats, i, math.min(i + 999, #tats))) end
end
