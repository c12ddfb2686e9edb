-- Takes jobs out of their lanes. KEYS[1] prefix; ARGV: whether who runs one is asked to stop (1|0); for how many ms from now
-- nothing brings back what is taken out, '' where anything may; then id, tenant, lane, …
-- What is taken out is remembered (`dropped`) with the instant up to which whoever pushes it does not know that (push.lua).
-- What runs is left alone. Where nobody is asked to stop it, it is remembered as changed (`stale`) until its lease ends: given
-- back, it is read anew (release.lua).
-- Answers for each: 1 taken out (or not here), 2 running.
local KEPT = 10000 -- ms: longer than any push is under way, and than anything is kept out
local MOST, OLD = 100000, 1000 -- how many are remembered, and how many that are of no use any more go in one call
local ask, until_ms = ARGV[1] == '1', tonumber(ARGV[2]) and whole(now + ARGV[2])
local answer, out = {}, {}
for i = 3, #ARGV, 3 do
    local id, tenant, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if take_out(id, tenant .. '\n' .. lane) then
        out[#out + 1] = until_ms
        out[#out + 1] = id
        answer[#answer + 1] = 1
    else
        call('SADD', p .. (ask and 'cancel' or 'stale'), id)
        answer[#answer + 1] = 2
    end
end
if until_ms and #out > 0 then
    local dropped = p .. 'dropped'
    call('ZADD', dropped, unpack(out))
    call('PEXPIRE', dropped, KEPT)
    local old = math.min(call('ZCOUNT', dropped, '-inf', whole(now - KEPT)), OLD)
    old = math.max(old, call('ZCARD', dropped) - MOST)
    if old > 0 then call('ZREMRANGEBYRANK', dropped, 0, old - 1) end
end
return answer
