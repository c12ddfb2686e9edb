-- Sets and lifts pauses. A pause is set for the queue or for every queue, apart: lifting one leaves the other.
-- KEYS[1] prefix; ARGV: revision ('' : somebody decides now; else the writer has read the ledger at this revision, and
-- gives up if somebody decided since), then hash (pause|kinds), field, own, every, …: an end in Unix milliseconds,
-- 0 for none, '-' for no pause, '=' to leave what is there.
-- Answers 1, or 0 where it gave up.
local meta = p .. 'meta'
if ARGV[1] == '' then
    call('HINCRBY', meta, 'controls', 1)
elseif (call('HGET', meta, 'controls') or '0') ~= ARGV[1] then
    return 0
end
for i = 2, #ARGV, 4 do
    local hash, field = p .. ARGV[i], ARGV[i + 1]
    local before = call('HGET', hash, field) or '- -'
    local own, every = string.match(before, '^(%S+) (%S+)$')
    if ARGV[i + 2] ~= '=' then own = ARGV[i + 2] end
    if ARGV[i + 3] ~= '=' then every = ARGV[i + 3] end
    local after = own .. ' ' .. every
    if after ~= before then
        if after == '- -' then call('HDEL', hash, field) else call('HSET', hash, field, after) end
        if ARGV[i] == 'pause' then call('ZADD', p .. 'later', 'XX', whole(now), field) end
        ring()
    end
end
return 1
