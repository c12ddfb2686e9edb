-- Why a job waits: asks what a claim would ask, and takes nothing. KEYS[1] prefix; ARGV: id, tenant, lane, run
-- Answers {'running', worker}, or {'lane' or 'elsewhere' (it is not here, its lane may be), position (-1: elsewhere),
-- tenants ahead (-1: not in turn)} and then for each thing in its lane's way: why, key, until (0: nobody knows), and two
-- numbers of the limit.
local id, tenant, lane = ARGV[1], ARGV[2], ARGV[3]
local own = call('HGET', p .. 'jobs', id)
if is_lease(own) then return { 'running', string.match(own, '^[^\n]*\n([^\n]*)') or '' } end
local lane_key = p .. 'lane:' .. tenant .. '\n' .. lane
local position = call('ZRANK', lane_key, id)
local answer = { position and 'lane' or 'elsewhere', whole(position or -1), '-1' }

local function block(why, key, until_ms, a, b)
    answer[#answer + 1] = why
    answer[#answer + 1] = key
    answer[#answer + 1] = whole(until_ms == FAR and 0 or until_ms)
    answer[#answer + 1] = a and string.format('%.6f', a) or '0'
    answer[#answer + 1] = b and string.format('%.6f', b) or '0'
end

if not is_open(ARGV[4]) then
    block('closed', '*', 0)
    return answer
end
noted = function(gate, why, until_ms) block(why, gate.key, until_ms) end
-- A lane is served in order, so it is its first job that has to pass. (None is here where all of them run.)
local first = call('ZRANGE', lane_key, 0, 0)[1]
local value = first and call('HGET', p .. 'jobs', first)
local cost = tonumber(string.match(value or '', '^%d+') or 1)
for _, gate in ipairs(gates_at(keys_of(tenant, lane))) do
    local queued = gate.queued or 0
    if gate.free and (gate.free <= 0 or (queued > now and not gate.step and not gate.shut)) then
        block('running', gate.key, settle > now and settle or 0, gate.most, gate.running)
    end
    if gate.step then
        local at = math.ceil(gate.tat + math.min(cost * gate.step, gate.tau) - gate.tau)
        if at > now or (queued > now and not gate.shut and not (gate.free and gate.free <= 0)) then
            block('rate', gate.key, math.max(at, queued), 1000 / gate.step, gate.tau / gate.step)
        end
    end
end
local kind = string.match(own or '', '"k":"([^"]*)"') or ''
local paused = call('HGET', p .. 'kinds', kind)
if paused and pause_end(paused) > now then block('paused', 'kind\n' .. kind, pause_end(paused)) end
if #answer == 3 then answer[3] = whole(call('ZRANK', p .. 'turn', tenant) or -1) end
return answer
