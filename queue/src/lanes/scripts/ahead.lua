-- Takes this Redis' clock to be ahead by so much (lanes/skew.rs). KEYS[1] prefix; ARGV: ahead_ms, within_ms: what
-- differs by less from what is known is no news.
-- Answers 0: no news; 1: done; 2: not done, because the queue was filled before anybody opened it, by the wrong time.
local p, ahead = KEYS[1], tonumber(ARGV[1])
local known, open = unpack(redis.call('HMGET', p .. 'meta', 'skew', 'open'))
if math.abs(tonumber(known or 0) - ahead) < tonumber(ARGV[2]) then return 0 end
if not open and redis.call('EXISTS', p .. 'jobs', p .. 'leases', p .. 'tat', p .. 'later') > 0 then return 2 end
redis.call('HSET', p .. 'meta', 'skew', ahead)
return 1
