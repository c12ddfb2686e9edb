-- Nothing under a key starts before an instant, or a later one that was said before. What is over is forgotten when its key is
-- looked at; a key that nobody has jobs for any more is not, so a few of the others are looked at here.
-- KEYS[1] prefix; ARGV: field, until
local penalties, field, till = KEYS[1] .. 'penalty', ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = redis.call('HRANDFIELD', penalties, 4, 'WITHVALUES')
for i = 1, #others, 2 do
    if tonumber(others[i + 1]) <= now then redis.call('HDEL', penalties, others[i]) end
end
if till > tonumber(redis.call('HGET', penalties, field) or 0) then redis.call('HSET', penalties, field, ARGV[2]) end
