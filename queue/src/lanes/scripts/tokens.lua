-- Takes up to `want` units for a job that runs, from all buckets of its lane: all, or as many as there are.
-- Penalties, hours and breakers stop it; a pause does not: what runs may come to its end.
-- KEYS[1] prefix; ARGV: tenant, lane, want, job (or '': none that could be a breaker's probe), run
-- Answers {granted, retry_at_ms}: where nothing was granted, when to ask again.
local want, job = tonumber(ARGV[3]), ARGV[4]
if not is_open(ARGV[5]) then return { 0, now + 100 } end
has.pause = false
asking = job
local list = gates_at(keys_of(ARGV[1], ARGV[2]))
local granted, retry_at = want, 0
for _, gate in ipairs(list) do
    if gate.shut then return { 0, gate.shut } end
    if gate.step then
        local free = math.floor((now + gate.tau - gate.tat) / gate.step + 0.000001)
        granted = math.min(granted, math.max(free, 0))
        retry_at = math.max(retry_at, math.ceil(gate.tat + gate.step - gate.tau))
    end
end
if granted > 0 then
    for _, gate in ipairs(list) do
        if job == '' then gate.probe = nil end
        charge(gate, granted, 0, job)
    end
    settle_gates()
end
return { granted, math.max(retry_at, now + 1) }
