-- Gives leased jobs back to their places in their lanes, under their tokens. In a lane with more in the ledger than here,
-- what comes after the last that is here would overtake what waits there: it waits there too, for a refill. So does all of a
-- queue that is closed: what stood in its lanes is not here any more. And so does what was changed in the ledger while it was
-- leased (`stale`): as it is given back, it is not what the ledger has.
-- KEYS[1] prefix; ARGV: id, token, score, value, …
-- Answers how many were given back.
local ids, gone, values, left = {}, {}, {}, {}
local full = p .. 'full'
local any_full = call('EXISTS', full) == 1
local vt = tonumber(state[4] or 0)
for i = 1, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
local before = call('HMGET', p .. 'jobs', unpack(ids))
local stale = call('EXISTS', p .. 'stale') == 1 and call('SMISMEMBER', p .. 'stale', unpack(ids)) or {}

local is_closed = not state[1]
local function would_overtake(name, score)
    if is_closed then return true end
    if not any_full or call('SISMEMBER', full, name) == 0 then return false end
    local last = call('ZRANGE', p .. 'lane:' .. name, -1, -1, 'WITHSCORES')[2]
    return not last or tonumber(score) > tonumber(last)
end

for n, id in ipairs(ids) do
    local token, name = lease_of(before[n])
    if token == ARGV[4 * n - 2] then
        count_live(name, -1)
        gone[#gone + 1] = id
        if stale[n] == 1 then
            call('SREM', p .. 'stale', id)
            call('SADD', full, name)
            if call('EXISTS', p .. 'lane:' .. name) == 0 then call('SADD', p .. 'dry', name) end
            any_full = true
            left[#left + 1] = id
        elseif would_overtake(name, ARGV[4 * n - 1]) then
            left[#left + 1] = id
        else
            local tenant, lane = split(name)
            values[#values + 1] = id
            values[#values + 1] = ARGV[4 * n]
            call('ZADD', p .. 'lane:' .. name, ARGV[4 * n - 1], id)
            if call('HEXISTS', p .. 'parked:' .. tenant, lane) == 0 then lane_ready(tenant, lane, vt) end
        end
    end
end
if #gone > 0 then
    if #values > 0 then call('HSET', p .. 'jobs', unpack(values)) end
    if #left > 0 then call('HDEL', p .. 'jobs', unpack(left)) end
    call('ZREM', p .. 'leases', unpack(gone))
    free_places()
    ring()
end
return #gone
