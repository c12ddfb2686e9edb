-- Ends leases whose token still holds. KEYS[1] prefix; ARGV: id, token, …
-- Answers how many held.
local ids, gone = {}, {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local values = call('HMGET', p .. 'jobs', unpack(ids))
for i, id in ipairs(ids) do
    local token, name = lease_of(values[i])
    if token == ARGV[2 * i] then
        gone[#gone + 1] = id
        count_live(name, -1)
    end
end
if #gone > 0 then
    call('HDEL', p .. 'jobs', unpack(gone))
    call('ZREM', p .. 'leases', unpack(gone))
    call('SREM', p .. 'cancel', unpack(gone))
    call('SREM', p .. 'stale', unpack(gone))
    call('HINCRBY', p .. 'flow', 'out', #gone)
    free_places()
end
return #gone
