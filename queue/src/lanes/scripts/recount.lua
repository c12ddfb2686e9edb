-- Counts anew what runs under each key, from the leases, in case anybody but these scripts has changed something.
-- KEYS[1] prefix; ARGV: most (more leases than that take too long, and are left for another time)
-- Answers 1 where they were counted.
local ids = call('ZRANGE', p .. 'leases', 0, ARGV[1])
if #ids > tonumber(ARGV[1]) then return 0 end
call('DEL', p .. 'live')
for i = 1, #ids, BLOCK do
    for _, value in ipairs(call('HMGET', p .. 'jobs', unpack(ids, i, math.min(i + BLOCK - 1, #ids)))) do
        local _, name = lease_of(value)
        if name then count_live(name, 1) end
    end
end
write_live()
return 1
