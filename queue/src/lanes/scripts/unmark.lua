-- Unmarks lanes: everything they have is here. Whose lane had run dry had nothing more, and is owed nothing.
-- KEYS[1] prefix; ARGV: tenant, lane, …
for i = 1, #ARGV, 2 do
    call('SREM', p .. 'full', ARGV[i] .. '\n' .. ARGV[i + 1])
    if call('ZREM', p .. 'away', ARGV[i]) == 1 then call('HDEL', p .. 'owed', ARGV[i]) end
end
