//! Time that passes at a word.
//!
//! The scripts ask Redis for the time, and nobody can set Redis's clock. So the clock stays and everything else moves:
//! each instant that a queue keeps is taken back by as much as shall have passed. A key that this does not know is an
//! error: it may keep an instant too.
//!
//! The model counts whole hours. A case takes far less than one of its steps of time, and the little that truly passes
//! only ever makes what was due a little more due: so the hours of the model are exact.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use redis::aio::MultiplexedConnection;

use crate::bare::{Bare, Q};

/// Milliseconds of the model's unit of time.
pub const HOUR: i64 = 3_600_000;

static PASS: LazyLock<redis::Script> = LazyLock::new(|| {
    redis::Script::new(
        r"
local p, gone = KEYS[1], tonumber(ARGV[1])
local call = redis.call
local function back(format, n) return string.format(format, tonumber(n) - gone) end
local function scores(key)
    for _, member in ipairs(call('ZRANGE', key, 0, -1)) do call('ZINCRBY', key, -gone, member) end
end
-- The words of each value that are instants; '-' and 0 are none.
local function words(key, format, which)
    local all = call('HGETALL', key)
    for i = 1, #all, 2 do
        local n = 0
        local value = string.gsub(all[i + 1], '%S+', function(word)
            n = n + 1
            if which[n] and (tonumber(word) or 0) > 0 then return back(format, word) end
        end)
        call('HSET', key, all[i], value)
    end
end
local function ends_sooner(key)
    local left = call('PTTL', key) - gone
    if left > 0 then call('PEXPIRE', key, left) else call('DEL', key) end
end
local known = {
    later = scores, leases = scores, dropped = scores,
    tat = function(key) words(key, '%.3f', { true }) end,
    penalty = function(key) words(key, '%.0f', { true }) end,
    hours = function(key) words(key, '%.0f', { true, true }) end,
    pause = function(key) words(key, '%.0f', { true, true }) end,
    kinds = function(key) words(key, '%.0f', { true, true }) end,
    breaker = function(key) words(key, '%.0f', { true }) end,
    limit = function(key) words(key, '%.0f', { [4] = true }) end,
    ['fails:'] = ends_sooner,
    ['debt:'] = function(key)
        call('SET', key, string.gsub(call('GET', key), '^%S+', function(at) return back('%.3f', at) end), 'KEEPTTL')
        ends_sooner(key)
    end,
    meta = function(key)
        for _, field in ipairs({ 'drained', 'settle' }) do
            local at = call('HGET', key, field)
            if at then call('HSET', key, field, back('%.0f', at)) end
        end
    end,
}
local none = { 'turn', 'turn:', 'tag', 'tags:', 'away', 'owed', 'lane:', 'wait:', 'parked:', 'jobs', 'live', 'cancel', 'stale', 'full',
    'dry', 'rule', 'weight', 'bell', 'flow' }
for _, name in ipairs(none) do known[name] = function() end end
for _, key in ipairs(call('KEYS', p .. '*')) do
    local name = string.match(string.sub(key, #p + 1), '^%a+:?')
    if not known[name] then return redis.error_reply('does it keep an instant? ' .. key) end
    known[name](key)
end
return 1",
    )
});

/// The model's time against Redis's.
pub struct Clock {
    begun_ms: i64,
    /// Hours that have passed.
    pub now: i64,
}

impl Clock {
    pub async fn new(bare: &Bare) -> Self {
        Self { begun_ms: bare.lanes.time(Q).await.unwrap().timestamp_millis(), now: 0 }
    }

    pub async fn pass(&mut self, bare: &Bare, redis: &mut MultiplexedConnection, hours: i64) {
        let () = PASS.key(bare.key("")).arg(hours * HOUR).invoke_async(redis).await.unwrap();
        self.now += hours;
    }

    /// How Redis tells an hour of the model.
    pub fn redis_ms(&self, hour: i64) -> i64 {
        self.begun_ms + (hour - self.now) * HOUR
    }

    pub fn redis_time(&self, hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.redis_ms(hour)).unwrap()
    }
}
