-- Takes over leases that ran out, under a new token and for `grace_ms`, so that one repairer handles
-- each and a vanished repairer's work is taken over in turn. What is no lease is dropped.
-- KEYS[1] prefix; ARGV: limit, grace_ms, name
-- Answers {id, token, tenant, worker, token before, …}
local answer = {}
local token = math.max(tonumber(state[5] or 0), micros)
for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'leases', '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))) do
    local lease = call('HGET', p .. 'jobs', id)
    local before, worker, name = string.match(lease or '', '^@([^\n]*)\n([^\n]*)\n(.*)$')
    if not name then
        call('ZREM', p .. 'leases', id)
    else
        token = token + 1
        local text = whole(token)
        call('ZADD', p .. 'leases', now + tonumber(ARGV[2]), id)
        call('HSET', p .. 'jobs', id, lease_text(text, ARGV[3], name))
        answer[#answer + 1] = id
        answer[#answer + 1] = text
        answer[#answer + 1] = split(name)
        answer[#answer + 1] = worker
        answer[#answer + 1] = before
    end
end
call('HSET', p .. 'meta', 'token', whole(token))
return answer
