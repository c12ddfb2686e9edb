-- Adds what was taken to budgets that several processes share (GCRA: a budget is the instant at which it is full again).
-- KEYS[1] prefix; ARGV: name, milliseconds taken (units times the time that one takes to come back), …
-- Answers for each the milliseconds until it is full.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local answer = {}
for i = 1, #ARGV, 2 do
    local key, taken = KEYS[1] .. ARGV[i], tonumber(ARGV[i + 1])
    local full_at = math.max(tonumber(redis.call('GET', key) or 0), now) + taken
    if taken > 0 then
        redis.call('SET', key, string.format('%.3f', full_at), 'PX', math.ceil(full_at - now) + 1000)
    end
    answer[#answer + 1] = math.ceil(full_at - now)
end
return answer
