-- Extends leases whose token still holds. A job that nobody knows here any more (Redis was emptied)
-- is adopted again under its token, so that it is not run a second time beside itself.
-- KEYS[1] prefix; ARGV: lease_ms, worker, then id, token, tenant, lane, …
-- Answers for each: 1 extended, 2 extended and somebody wants it cancelled, 3 adopted, 0 lost.
local deadline = whole(now + tonumber(ARGV[1]))
local ids, answer, zadd = {}, {}, {}
for i = 3, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
if #ids == 0 then return answer end
local values = call('HMGET', p .. 'jobs', unpack(ids))
local cancels = call('SMISMEMBER', p .. 'cancel', unpack(ids))
for n, id in ipairs(ids) do
    local at = 4 * n - 1
    local token, adopted = ARGV[at + 1], not values[n]
    if adopted then
        local name = ARGV[at + 2] .. '\n' .. ARGV[at + 3]
        call('HSET', p .. 'jobs', id, lease_text(token, ARGV[2], name))
        count_live(name, 1)
    end
    if adopted or lease_of(values[n]) == token then
        zadd[#zadd + 1] = deadline
        zadd[#zadd + 1] = id
        answer[n] = (adopted and 3) or (cancels[n] == 1 and 2) or 1
    else
        answer[n] = 0
    end
end
if #zadd > 0 then call('ZADD', p .. 'leases', unpack(zadd)) end
write_live()
return answer
