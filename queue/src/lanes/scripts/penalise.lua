-- Nothing under a key starts before an instant, or a later one that was said before. KEYS[1] prefix; ARGV: field, until
local penalties, field, till = KEYS[1] .. 'penalty', ARGV[1], tonumber(ARGV[2])
if till > tonumber(redis.call('HGET', penalties, field) or 0) then redis.call('HSET', penalties, field, ARGV[2]) end
