-- How much comes and goes, from the counts that pushes and ends leave: against the older of two readings, which whoever
-- asks renews here for all who ask. KEYS[1] prefix.
-- Answers milliseconds, and what came and went in them; nothing where there is no reading yet.
local p = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local EVERY, OLD = 15000, 180000
local key = p .. 'flow'
local read = redis.call('HMGET', key, 'in', 'out', 'at', 'at_in', 'at_out', 'was', 'was_in', 'was_out')
local come, gone = tonumber(read[1] or 0), tonumber(read[2] or 0)
local at, was = tonumber(read[3]), tonumber(read[6])
local answer = {}
local function since(from, from_in, from_out)
    if from and now > from and now - from <= OLD and come >= from_in and gone >= from_out then
        answer = { now - from, come - from_in, gone - from_out }
    end
end
since(at, tonumber(read[4]), tonumber(read[5]))
since(was, tonumber(read[7]), tonumber(read[8]))
if not at or now - at >= EVERY or come < tonumber(read[4]) then
    if at then redis.call('HSET', key, 'was', at, 'was_in', read[4], 'was_out', read[5]) end
    redis.call('HSET', key, 'at', now, 'at_in', come, 'at_out', gone)
end
return answer
