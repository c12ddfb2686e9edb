-- Deletes every key of a queue. KEYS[1] prefix. Answers how many there were.
local gone = 0
for _, key in ipairs(redis.call('KEYS', string.gsub(KEYS[1], '[%[%]%*%?\\\\]', '\\\\%0') .. '*')) do
    gone = gone + redis.call('UNLINK', key)
end
return gone
