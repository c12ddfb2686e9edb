-- Puts jobs into their lanes. A job that is here already (waiting or leased) is left alone, so that
-- pushing twice is harmless. A lane takes `window` jobs; beyond that it is marked `full` and its jobs
-- wait in the ledger, in order: a full lane takes nothing but refills, or new jobs would overtake. What goes before the
-- last that is here overtakes nobody who waits in the ledger, and is let in; the last waits in the ledger in its place.
-- Whoever pushes knows the ledger as of some instant: what was taken out after that (`dropped`) is not taken, and nothing
-- where that is long ago; its lanes are marked, and a refill reads it as it is.
-- KEYS[1] prefix; ARGV: window, cap (of the queue), refill (1|0), as of when (ms, by Redis' own clock), then for each
-- lane: tenant, lane, how many jobs, and for each job id, score, value.
-- Answers how many were taken, and what Redis' own clock shows.
local window, cap, refill = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local jobs, full = p .. 'jobs', p .. 'full'
local dropped = p .. 'dropped'
local dry_at = (refill and 4 or 2) * cap
local any_full, any_dropped = call('EXISTS', full) == 1, call('EXISTS', dropped) == 1
local count = call('HLEN', jobs)
local taken, come = 0, 0
local as_of, at = tonumber(ARGV[4]) - skew, 5

if now - as_of > 5000 then
    while at < #ARGV do
        local n = tonumber(ARGV[at + 2])
        call('SADD', full, ARGV[at] .. '\n' .. ARGV[at + 1])
        come, at = come + n, at + 3 + 3 * n
    end
end

local function is_dropped(id) return any_dropped and tonumber(call('ZSCORE', dropped, id) or '-inf') >= as_of end

while at < #ARGV do
    local tenant, lane = ARGV[at], ARGV[at + 1]
    local name = tenant .. '\n' .. lane
    local waiting = p .. 'lane:' .. name
    local last = at + 3 * tonumber(ARGV[at + 2])
    local before = call('ZCARD', waiting)
    local size, adds, puts, n = before, {}, {}, 0
    local turns_away = any_full and not refill and call('SISMEMBER', full, name) == 1
    local left_out, tail = false, nil
    local function write()
        if n == 0 then return end
        call('ZADD', waiting, unpack(adds))
        call('HSET', jobs, unpack(puts))
        taken, come = taken + n / 2, come + n / 2
        adds, puts, n, tail = {}, {}, 0, nil
    end
    local function is_before_the_last(score)
        write()
        tail = tail or tonumber(call('ZRANGE', waiting, -1, -1, 'WITHSCORES')[2] or '-inf')
        return tonumber(score) < tail
    end
    local ids, here = {}, {}
    for i = at + 3, last, 3 do ids[#ids + 1] = ARGV[i] end
    for i, value in ipairs(call('HMGET', jobs, unpack(ids))) do here[ids[i]] = value and true end
    -- Answers whether it is new.
    local function put(i)
        local id = ARGV[i]
        if here[id] then return false end
        here[id] = true
        adds[n + 1], adds[n + 2] = ARGV[i + 1], id
        puts[n + 1], puts[n + 2] = id, ARGV[i + 2]
        n, count, size = n + 2, count + 1, size + 1
        return true
    end
    for i = at + 3, last, 3 do
        local id = ARGV[i]
        -- A queue at its cap still gives every lane a few places, or a newcomer would never be seen; at twice its cap, one.
        -- A refill knows which lanes have run dry, and may give those a few up to four times the cap.
        local crowded = size >= window or (count >= cap and size >= (count < dry_at and 16 or 1))
        if is_dropped(id) then
            -- It stays out.
        elseif turns_away or crowded then
            if not refill and is_before_the_last(ARGV[i + 1]) then
                if put(i) then
                    write()
                    if crowded then
                        call('HDEL', jobs, call('ZPOPMAX', waiting)[1])
                        count, size = count - 1, size - 1
                        left_out, turns_away, tail = true, true, nil
                    end
                end
            elseif not here[id] then
                come = come + 1
                -- Whatever comes after it must not overtake it.
                turns_away = turns_away or not refill
                left_out = true
            end
        else
            put(i)
        end
    end
    write()
    if left_out then
        call('SADD', full, name)
        if size == 0 then call('SADD', p .. 'dry', name) end
    end
    if size > before and before == 0 and call('HEXISTS', p .. 'parked:' .. tenant, lane) == 0 then
        lane_ready(tenant, lane, tonumber(state[4] or 0))
    end
    at = last + 3
end
if taken > 0 then ring() end
if come > 0 and not refill then call('HINCRBY', p .. 'flow', 'in', come) end
return { taken, now + skew }
