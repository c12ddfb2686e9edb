-- Puts jobs into their lanes. A job that is here already (waiting or leased) is left alone, so that
-- pushing twice is harmless. A lane takes `window` jobs; beyond that it is marked `full` and its jobs
-- wait in the ledger, in order: a full lane takes nothing but refills, or new jobs would overtake.
-- KEYS[1] prefix; ARGV: window, cap (of the queue), refill (1|0), then id, tenant, lane, score, value …
-- Answers how many were taken.
local window, cap, refill = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local jobs, full = p .. 'jobs', p .. 'full'
local any_full = call('EXISTS', full) == 1
local count = call('HLEN', jobs)
local taken, come = 0, 0
local lanes, order = {}, {} -- what is known of a lane, and what it gets

for i = 4, #ARGV, 5 do
    local id, tenant, lane = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local name = tenant .. '\n' .. lane
    local to = lanes[name]
    if not to then
        to = { tenant = tenant, lane = lane, before = call('ZCARD', p .. 'lane:' .. name), adds = {} }
        to.size = to.before
        to.turns_away = any_full and not refill and call('SISMEMBER', full, name) == 1
        lanes[name] = to
        order[#order + 1] = name
    end
    -- A queue at its cap still gives every lane a few places, or a newcomer would never be seen.
    local room = to.size < window and (count < cap or to.size < 16)
    if to.turns_away or not room then
        if call('HEXISTS', jobs, id) == 0 then
            come = come + 1
            -- Whatever comes after it must not overtake it.
            to.turns_away = to.turns_away or not refill
            to.full = true
        end
    elseif call('HSETNX', jobs, id, ARGV[i + 4]) == 1 then
        come, count, taken, to.size = come + 1, count + 1, taken + 1, to.size + 1
        to.adds[#to.adds + 1] = ARGV[i + 3]
        to.adds[#to.adds + 1] = id
    end
end

local vt = nil
for _, name in ipairs(order) do
    local to = lanes[name]
    if to.full then call('SADD', full, name) end
    if #to.adds > 0 then
        call('ZADD', p .. 'lane:' .. name, unpack(to.adds))
        if to.before == 0 and call('HEXISTS', p .. 'parked:' .. to.tenant, to.lane) == 0 then
            vt = vt or tonumber(call('HGET', p .. 'meta', 'vt') or 0)
            lane_ready(to.tenant, to.lane, vt)
        end
    end
end
if taken > 0 then ring() end
if come > 0 and not refill then call('HINCRBY', p .. 'flow', 'in', come) end
return taken
