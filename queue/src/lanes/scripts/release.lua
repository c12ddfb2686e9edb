-- Gives leased jobs back to the front of their lanes, under their tokens.
-- KEYS[1] prefix; ARGV: id, token, score, value, …
-- Answers how many were given back.
local ids, gone, values = {}, {}, {}
local vt = tonumber(call('HGET', p .. 'meta', 'vt') or 0)
for i = 1, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
local before = call('HMGET', p .. 'jobs', unpack(ids))
for n, id in ipairs(ids) do
    local token, name = lease_of(before[n])
    if token == ARGV[4 * n - 2] then
        local tenant, lane = split(name)
        count_live(name, -1)
        gone[#gone + 1] = id
        values[#values + 1] = id
        values[#values + 1] = ARGV[4 * n]
        call('ZADD', p .. 'lane:' .. name, ARGV[4 * n - 1], id)
        if call('HEXISTS', p .. 'parked:' .. tenant, lane) == 0 then lane_ready(tenant, lane, vt) end
    end
end
if #gone > 0 then
    call('HSET', p .. 'jobs', unpack(values))
    call('ZREM', p .. 'leases', unpack(gone))
    free_places()
    ring()
end
return #gone
