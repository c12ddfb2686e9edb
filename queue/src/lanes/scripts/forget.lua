-- Forgets a queue in pieces (lanes/forget.rs). KEYS[1] prefix; ARGV: mark ('': begin), whether it is the last piece
-- (1|0), by how many ms this Redis' clock is ahead from then on ('': as before), keys…
-- Answers the mark, or '' where another's stands, or none: that one goes on, or has come to the end.
local p = KEYS[1]
local call = redis.call
local meta = p .. 'meta'
local time = call('TIME')
local micros = time[1] * 1000000 + time[2]
if ARGV[1] == '' then
    local mark = string.format('%.0f', micros)
    call('HSET', meta, 'anew', mark)
    call('HDEL', meta, 'open')
    return mark
end
local mark, skew, token = unpack(call('HMGET', meta, 'anew', 'skew', 'token'))
if mark ~= ARGV[1] then return '' end
for i = 4, #ARGV do call('UNLINK', ARGV[i]) end
if ARGV[2] == '1' then
    call('UNLINK', meta)
    if ARGV[3] ~= '' then skew = ARGV[3] end
    skew = tonumber(skew or 0)
    if skew ~= 0 then call('HSET', meta, 'skew', skew) end
    -- Tokens go up for ever: those of a clock that was ahead must not come again.
    if tonumber(token or 0) > micros - 1000 * skew then call('HSET', meta, 'token', token) end
end
return mark
