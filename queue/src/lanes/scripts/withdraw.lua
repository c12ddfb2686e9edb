-- Takes jobs out of their lanes unless somebody runs them: nobody is asked to stop.
-- KEYS[1] prefix; ARGV: id, tenant, lane, …
-- Answers for each: 1 taken out (or not here), 2 running and left alone.
local p = KEYS[1]
local call = redis.call
local answer = {}
for i = 1, #ARGV, 3 do
    local id, tenant, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if call('HEXISTS', p .. 'lease', id) == 1 then
        answer[#answer + 1] = 2
    else
        call('ZREM', p .. 'lane:' .. tenant .. '\n' .. lane, id)
        call('HDEL', p .. 'jobs', id)
        answer[#answer + 1] = 1
    end
end
return answer
