-- Gives leased jobs back to the front of their lanes, under their tokens.
-- KEYS[1] prefix; ARGV: id, token, score, value, …   (an empty value keeps the one that is there)
-- Answers how many were given back.
local ids, gone, values = {}, {}, {}
local vt = tonumber(call('HGET', p .. 'meta', 'vt') or 0)
for i = 1, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
local leases = call('HMGET', p .. 'lease', unpack(ids))
for n, id in ipairs(ids) do
    local lease, token, score, value = leases[n], ARGV[4 * n - 2], ARGV[4 * n - 1], ARGV[4 * n]
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        local tenant, lane = string.match(lease, '^[^\n]*\n[^\n]*\n([^\n]*)\n(.*)$')
        end_live(tenant, lane, id)
        gone[#gone + 1] = id
        if value ~= '' then
            values[#values + 1] = id
            values[#values + 1] = value
        end
        call('ZADD', p .. 'lane:' .. tenant .. '\n' .. lane, score, id)
        if call('HEXISTS', p .. 'parked:' .. tenant, lane) == 0 then lane_ready(tenant, lane, vt) end
    end
end
if #gone > 0 then
    call('HDEL', p .. 'lease', unpack(gone))
    call('ZREM', p .. 'leases', unpack(gone))
    if #values > 0 then call('HSET', p .. 'jobs', unpack(values)) end
    free_ended()
    ring()
end
return #gone
