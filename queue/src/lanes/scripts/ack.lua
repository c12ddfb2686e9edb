-- Ends leases whose token still holds. KEYS[1] prefix; ARGV: id, token, …
-- Answers how many held.
local ids, gone = {}, {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
local leases = call('HMGET', p .. 'lease', unpack(ids))
for i, id in ipairs(ids) do
    local lease, token = leases[i], ARGV[2 * i]
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        gone[#gone + 1] = id
        if lives then
            local tenant, lane = string.match(lease, '^[^\n]*\n[^\n]*\n([^\n]*)\n(.*)$')
            if tenant then end_live(tenant, lane, id) end
        end
    end
end
if #gone > 0 then
    call('HDEL', p .. 'lease', unpack(gone))
    call('ZREM', p .. 'leases', unpack(gone))
    call('HDEL', p .. 'jobs', unpack(gone))
    call('SREM', p .. 'cancel', unpack(gone))
    call('HINCRBY', p .. 'flow', 'out', #gone)
    free_ended()
end
return #gone
