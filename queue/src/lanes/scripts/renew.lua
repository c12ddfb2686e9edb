-- Extends leases whose token still holds. A job that nobody knows here any more (Redis was emptied)
-- is adopted again under its token, so that it is not run a second time beside itself.
-- KEYS[1] prefix; ARGV: lease_ms, worker, then id, token, tenant, lane, …
-- Answers for each: 1 extended, 2 extended and somebody wants it cancelled, 3 adopted, 0 lost.
local p = KEYS[1]
local call = redis.call
local time = call('TIME')
local deadline = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[1])
local cancels = call('EXISTS', p .. 'cancel') == 1
local answer, zadd = {}, {}
for i = 3, #ARGV, 4 do
    local id, token = ARGV[i], ARGV[i + 1]
    local lease, adopted = call('HGET', p .. 'lease', id), false
    if not lease and call('HEXISTS', p .. 'jobs', id) == 0 then
        lease = token .. '\n' .. ARGV[2] .. '\n' .. ARGV[i + 2] .. '\n' .. ARGV[i + 3]
        adopted = true
        call('HSET', p .. 'lease', id, lease)
        call('HSET', p .. 'jobs', id, '')
    end
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        zadd[#zadd + 1] = deadline
        zadd[#zadd + 1] = id
        local wanted = cancels and call('SISMEMBER', p .. 'cancel', id) == 1
        answer[#answer + 1] = (adopted and 3) or (wanted and 2) or 1
    else
        answer[#answer + 1] = 0
    end
end
if #zadd > 0 then call('ZADD', p .. 'leases', unpack(zadd)) end
return answer
