-- Lets a tenant and its lanes be looked at again, after a pause or a limit changed.
-- KEYS[1] prefix; ARGV: tenant ('' for every tenant that waits)
local p = KEYS[1]
local call = redis.call
local tenants = ARGV[1] ~= '' and { ARGV[1] } or call('ZRANGE', p .. 'later', 0, 9999)
for _, tenant in ipairs(tenants) do
    local lane_later = p .. 'later:' .. tenant
    for _, lane in ipairs(call('ZRANGE', lane_later, 0, 999)) do
        call('ZADD', lane_later, 'XX', 0, lane)
    end
    call('ZADD', p .. 'later', 'XX', 0, tenant)
end
if call('LLEN', p .. 'bell') == 0 then call('LPUSH', p .. 'bell', 1) end
return #tenants
