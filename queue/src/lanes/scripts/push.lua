-- Puts jobs into their lanes. A job that is here already (waiting or leased) is left alone, so that
-- pushing twice is harmless. A lane takes `window` jobs; beyond that it is marked `full` and its jobs
-- wait in the ledger, in order: a full lane takes nothing but refills, or new jobs would overtake.
-- KEYS[1] prefix; ARGV: window, cap (of the queue), refill (1|0), then id, tenant, lane, score, value …
-- Answers how many were taken.
local window, cap, refill = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local jobs, full = p .. 'jobs', p .. 'full'
local vt = nil
local any_full = call('EXISTS', full) == 1
local count = call('HLEN', jobs)
local taken, come = 0, 0
for i = 4, #ARGV, 5 do
    local id, tenant, lane, score, value = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    if call('HEXISTS', jobs, id) == 0 then
        come = come + 1
        local name = tenant .. '\n' .. lane
        local lane_key = p .. 'lane:' .. name
        local size = call('ZCARD', lane_key)
        -- A queue at its cap still gives every lane a few places, or a newcomer would never be seen.
        local room = size < window and (count < cap or size < 16)
        if not room or (any_full and not refill and call('SISMEMBER', full, name) == 1) then
            call('SADD', full, name)
            any_full = true
        else
            call('ZADD', lane_key, score, id)
            call('HSET', jobs, id, value)
            count = count + 1
            taken = taken + 1
            if size == 0 and call('HEXISTS', p .. 'parked:' .. tenant, lane) == 0 then
                vt = vt or tonumber(call('HGET', p .. 'meta', 'vt') or 0)
                lane_ready(tenant, lane, vt)
            end
        end
    end
end
if taken > 0 then ring() end
if come > 0 and not refill then call('HINCRBY', p .. 'flow', 'in', come) end
return taken
