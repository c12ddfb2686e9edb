-- Part of several scripts: what they all begin with, and the keys under which a lane can be limited.
local p = KEYS[1]
local call = redis.call
-- The ledger's time, by which people speak of instants: this Redis' own, less by how much it is ahead (lanes/skew.rs).
local time = call('TIME')
local state = call('HMGET', p .. 'meta', 'open', 'drained', 'settle', 'vt', 'token', 'run', 'skew', 'anew')
local skew = tonumber(state[7] or 0)
local micros = time[1] * 1000000 + time[2] - 1000 * skew
local now = math.floor(micros / 1000)
-- What is half forgotten is nobody's (lanes/forget.rs).
if state[8] then return redis.error_reply('ANEW this queue is being forgotten, to begin anew') end
local FAR = 4102444800000 -- 2100: until somebody resumes
local NOBODY = '00000000-0000-0000-0000-000000000000'
local DEPTH = 6

-- Virtual times and tokens are handed over as whole numbers in text: Redis prints floats slowly.
local function whole(n) return string.format('%.0f', n) end

-- The keys of a lane, the widest first: the queue, the tenant, each prefix of the lane's path for the
-- tenant, and each shared by all tenants. A path deeper than DEPTH has no keys but its first ones and its whole.
local function keys_of(tenant, lane)
    local keys = { '*' }
    if tenant ~= NOBODY then keys[2] = tenant end
    if lane == '' then return keys end
    local own, shared, from = tenant .. '\n', NOBODY .. '\n', 1
    local prefixes = {}
    for _ = 1, DEPTH - 1 do
        local at = string.find(lane, '~', from, true)
        if not at then break end
        if at > 1 then prefixes[#prefixes + 1] = string.sub(lane, 1, at - 1) end
        from = at + 1
    end
    prefixes[#prefixes + 1] = lane
    for i = 1, #prefixes do keys[#keys + 1] = own .. prefixes[i] end
    if tenant ~= NOBODY then
        for i = 1, #prefixes do keys[#keys + 1] = shared .. prefixes[i] end
    end
    return keys
end

-- A tenant and a lane from the name of both.
local function split(name)
    local at = string.find(name, '\n', 1, true)
    return string.sub(name, 1, at - 1), string.sub(name, at + 1)
end

-- A leased job's value in `jobs` (parts/live.lua); a waiting one's is its envelope.
local function is_lease(value) return value and string.byte(value) == 64 end
local function lease_text(token, worker, name) return '@' .. token .. '\n' .. worker .. '\n' .. name end

-- Takes a waiting job out of its lane, and with it what was wished of it while it ran. Answers whether it is here no
-- more: a leased one stays.
local function take_out(id, name)
    if is_lease(call('HGET', p .. 'jobs', id)) then return false end
    call('ZREM', p .. 'lane:' .. name, id)
    call('HDEL', p .. 'jobs', id)
    call('SREM', p .. 'cancel', id)
    return true
end

local function ring()
    if call('LLEN', p .. 'bell') == 0 then call('LPUSH', p .. 'bell', 1) end
end
