-- Deletes every key of a queue. KEYS[1] prefix; ARGV: by how many ms this Redis' clock is ahead from then on. Answers how many
-- there were.
local gone = 0
for _, key in ipairs(redis.call('KEYS', string.gsub(KEYS[1], '[%[%]%*%?\\\\]', '\\\\%0') .. '*')) do
    gone = gone + redis.call('UNLINK', key)
end
if ARGV[1] ~= '0' then redis.call('HSET', KEYS[1] .. 'meta', 'skew', ARGV[1]) end
return gone
