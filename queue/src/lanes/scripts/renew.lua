-- Extends leases whose token still holds. A job that nobody knows here any more (Redis was emptied)
-- is adopted again under its token, so that it is not run a second time beside itself.
-- KEYS[1] prefix; ARGV: lease_ms, worker, then id, token, tenant, lane, …
-- Answers for each: 1 extended, 2 extended and somebody wants it cancelled, 3 adopted, 0 lost.
local deadline = now + tonumber(ARGV[1])
local ids, answer, zadd = {}, {}, {}
for i = 3, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then return answer end
local leases = call('HMGET', p .. 'lease', unpack(ids))
local cancels = call('SMISMEMBER', p .. 'cancel', unpack(ids))
for n, id in ipairs(ids) do
    local at = 4 * n - 1
    local token, lease, adopted = ARGV[at + 1], leases[n], false
    if not lease and call('HEXISTS', p .. 'jobs', id) == 0 then
        local tenant, lane = ARGV[at + 2], ARGV[at + 3]
        lease = token .. '\n' .. ARGV[2] .. '\n' .. tenant .. '\n' .. lane
        adopted = true
        call('HSET', p .. 'lease', id, lease)
        call('HSET', p .. 'jobs', id, '')
        each_live(tenant, lane, function(key)
            if key ~= '*' then call('ZADD', p .. 'live:' .. key, now + 10000, id) end
        end)
    end
    if lease and string.sub(lease, 1, #token + 1) == token .. '\n' then
        zadd[#zadd + 1] = deadline
        zadd[#zadd + 1] = id
        answer[n] = (adopted and 3) or (cancels[n] == 1 and 2) or 1
    else
        answer[n] = 0
    end
end
if #zadd > 0 then call('ZADD', p .. 'leases', unpack(zadd)) end
return answer
