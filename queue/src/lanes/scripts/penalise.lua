-- Nothing under a key starts before an instant, or a later one that was said before. What is over is forgotten when its key is
-- looked at; a key that nobody has jobs for any more is not, so a few of the others are looked at here.
-- KEYS[1] prefix; ARGV: field, until
local penalties, field, till = p .. 'penalty', ARGV[1], tonumber(ARGV[2])
local others = call('HRANDFIELD', penalties, 4, 'WITHVALUES')
for i = 1, #others, 2 do
    if tonumber(others[i + 1]) <= now then call('HDEL', penalties, others[i]) end
end
if till > tonumber(call('HGET', penalties, field) or 0) then call('HSET', penalties, field, ARGV[2]) end
