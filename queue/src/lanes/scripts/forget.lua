-- Deletes some keys of a queue that is being forgotten (lanes/forget.rs), unless somebody else has come to an end with that.
-- KEYS[1] prefix; ARGV: '' or, where these are the last, by how many ms this Redis' clock is ahead from then on; keys…
-- Answers 0 where there is nothing to be done any more.
local meta = KEYS[1] .. 'meta'
if redis.call('HEXISTS', meta, 'anew') == 0 then return 0 end
for i = 2, #ARGV do redis.call('UNLINK', ARGV[i]) end
if ARGV[1] ~= '' then
    redis.call('UNLINK', meta)
    if ARGV[1] ~= '0' then redis.call('HSET', meta, 'skew', ARGV[1]) end
end
return 1
