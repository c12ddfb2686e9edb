-- Notes that jobs run under a limited key, if they still do. KEYS[1] prefix; ARGV: key, id, …
local live = p .. 'live:' .. ARGV[1]
if call('SISMEMBER', p .. 'lives', ARGV[1]) == 0 then return 0 end
local noted = 0
for i = 2, #ARGV do
    if call('HEXISTS', p .. 'lease', ARGV[i]) == 1 then
        noted = noted + call('ZADD', live, whole(now + 10000), ARGV[i])
    end
end
return noted
