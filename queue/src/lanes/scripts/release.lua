-- Gives leased jobs back to the front of their lanes, under their tokens.
-- KEYS[1] prefix; ARGV: id, token, score, value, …   (an empty value keeps the one that is there)
-- Answers how many were given back.
local p = KEYS[1]
local call = redis.call
local back = 0
for i = 1, #ARGV, 4 do
    local id, token, score, value = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local lease = call('HGET', p .. 'lease', id)
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        local tenant, lane = string.match(lease, '^[^\n]*\n[^\n]*\n([^\n]*)\n(.*)$')
        call('HDEL', p .. 'lease', id)
        call('ZREM', p .. 'leases', id)
        if value ~= '' then call('HSET', p .. 'jobs', id, value) end
        call('ZADD', p .. 'lane:' .. tenant .. '\n' .. lane, score, id)
        local lane_turn = p .. 'turn:' .. tenant
        if not call('ZSCORE', p .. 'later:' .. tenant, lane) then
            local head = call('ZRANGE', lane_turn, 0, 0, 'WITHSCORES')
            call('ZADD', lane_turn, 'NX', head[2] or '0', lane)
            call('ZREM', p .. 'later', tenant)
            call('ZADD', p .. 'turn', 'NX', call('HGET', p .. 'meta', 'vt') or 0, tenant)
        end
        back = back + 1
    end
end
if back > 0 and call('LLEN', p .. 'bell') == 0 then call('LPUSH', p .. 'bell', 1) end
return back
