-- Ends leases whose token still holds. KEYS[1] prefix; ARGV: id, token, …
-- Answers how many held.
local p = KEYS[1]
local call = redis.call
local held = 0
for i = 1, #ARGV, 2 do
    local id, token = ARGV[i], ARGV[i + 1]
    local lease = call('HGET', p .. 'lease', id)
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        call('HDEL', p .. 'lease', id)
        call('ZREM', p .. 'leases', id)
        call('HDEL', p .. 'jobs', id)
        call('SREM', p .. 'cancel', id)
        held = held + 1
    end
end
return held
