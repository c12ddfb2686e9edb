-- Which jobs are here, waiting or leased. KEYS[1] prefix; ARGV: ids. Answers 1 or 0 for each.
local jobs, answer = KEYS[1] .. 'jobs', {}
for i, id in ipairs(ARGV) do answer[i] = redis.call('HEXISTS', jobs, id) end
return answer
