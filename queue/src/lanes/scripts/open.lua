-- Opens a queue after its limits and pauses were copied from the ledger. Until then nothing starts, so
-- that a Redis that was emptied exceeds no limit. What it counted is forgotten then: buckets that were set
-- before begin empty, not full; and who runs is known once every worker has renewed its leases.
-- KEYS[1] prefix; ARGV: again (1: forget it though the queue is open), settle_ms, run (which Redis this is, and after a
-- slash the layout), which copy it was
-- Answers 1 if the queue was closed, 0 if it was open, or emptied after the copy began: then that holds a part of it at most;
-- -1 if an older engine laid it out: it has to be emptied first.
local LAYOUT = string.match(ARGV[3], '/(.*)$')
local meta = p .. 'meta'
local open, layout, run, copy = unpack(call('HMGET', meta, 'open', 'layout', 'run', 'copy'))
if layout ~= LAYOUT and (layout or open) then return -1 end
if tonumber(copy or 0) < tonumber(ARGV[4]) then return 0 end
if open and run == ARGV[3] and ARGV[1] ~= '1' then return 0 end
call('HSET', meta, 'layout', LAYOUT, 'open', 1, 'run', ARGV[3], 'drained', now, 'settle', whole(now + tonumber(ARGV[2])))
ring()
return open and 0 or 1
