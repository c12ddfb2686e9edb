-- Takes waiting jobs out of their lanes; a leased one is marked for its worker to stop.
-- KEYS[1] prefix; ARGV: id, tenant, lane, …
-- Answers for each: 1 taken out (or not here), 2 running and asked to stop.
local answer = {}
for i = 1, #ARGV, 3 do
    local id, tenant, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local out = take_out(id, tenant .. '\n' .. lane)
    if not out then call('SADD', p .. 'cancel', id) end
    answer[#answer + 1] = out and 1 or 2
end
return answer
