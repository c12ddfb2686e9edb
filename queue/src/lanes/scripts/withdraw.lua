-- Takes jobs out of their lanes unless somebody runs them: nobody is asked to stop.
-- KEYS[1] prefix; ARGV: id, tenant, lane, …
-- Answers for each: 1 taken out (or not here), 2 running and left alone.
local answer = {}
for i = 1, #ARGV, 3 do
    local id, tenant, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    answer[#answer + 1] = take_out(id, tenant .. '\n' .. lane) and 1 or 2
end
return answer
