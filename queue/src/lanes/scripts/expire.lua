-- Takes over leases that ran out, under a new token and for `grace_ms`, so that one repairer handles
-- each and a vanished repairer's work is taken over in turn. A lease without a lane is dropped.
-- KEYS[1] prefix; ARGV: limit, grace_ms, name
-- Answers {id, token, tenant, worker, token before, …}
local p = KEYS[1]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
local token = math.max(tonumber(call('HGET', p .. 'meta', 'token') or 0), time[1] * 1000000 + time[2])
for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'leases', '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
    local lease = call('HGET', p .. 'lease', id)
    local before, worker, tenant, lane = string.match(lease or '', '^([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$')
    if not tenant then
        call('ZREM', p .. 'leases', id)
        call('HDEL', p .. 'lease', id)
    else
        token = token + 1
        local text = string.format('%.0f', token)
        call('ZADD', p .. 'leases', now + tonumber(ARGV[2]), id)
        call('HSET', p .. 'lease', id, text .. '\n' .. ARGV[3] .. '\n' .. tenant .. '\n' .. lane)
        answer[#answer + 1] = id
        answer[#answer + 1] = text
        answer[#answer + 1] = tenant
        answer[#answer + 1] = worker
        answer[#answer + 1] = before
    end
end
call('HSET', p .. 'meta', 'token', string.format('%.0f', token))
return answer
