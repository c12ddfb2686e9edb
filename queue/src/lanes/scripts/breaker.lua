-- Tells the breakers of a key how a call to what stands behind it went: `n` failures in a row within `t` open it for
-- `d`; after that one job at a time tries (parts/gates.lua); it closes when one went well, and opens again for twice
-- as long, ten times `d` at most, when one failed. What began before it opened changes nothing while it is open.
-- KEYS[1] prefix; ARGV: ok (1|0), key, …
-- Answers until when the longest of them is open, or 0.
local longest = 0
for i = 2, #ARGV do
    local key = ARGV[i]
    local rule = call('HGET', p .. 'rule', key)
    if rule then
        local n, within, open_for = string.match(rule, '^(%S+) (%S+) (%S+)$')
        local until_ms, opens = string.match(call('HGET', p .. 'breaker', key) or '', '^(%S+) (%S+)')
        local fails = p .. 'fails:' .. key
        local trip = nil
        if until_ms and tonumber(until_ms) > now then
            longest = math.max(longest, tonumber(until_ms))
        elseif ARGV[1] == '1' then
            call('DEL', fails)
            if until_ms then
                call('HDEL', p .. 'breaker', key)
                call('ZADD', p .. 'later', 'XX', whole(now), key)
                ring()
            end
        elseif until_ms then
            trip = tonumber(opens)
        else
            local failed = call('INCR', fails)
            if failed == 1 then call('PEXPIRE', fails, within) end
            if failed >= tonumber(n) then
                trip = 0
                call('DEL', fails)
            end
        end
        if trip then
            local at = now + tonumber(open_for) * math.min(2 ^ math.min(trip, 10), 10)
            call('HSET', p .. 'breaker', key, whole(at) .. ' ' .. whole(trip + 1) .. ' -')
            call('ZADD', p .. 'later', 'XX', whole(at), key)
            longest = math.max(longest, at)
        end
    end
end
return longest
