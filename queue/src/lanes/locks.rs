//! Small shared facts: who repairs, which queues there are.

use std::time::Duration;

use redis::Script;

use super::Lanes;

const LOCK: &str = "
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

const UNLOCK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

impl Lanes {
    /// Takes or renews the lock `name` for `holder`; `false`: somebody else has it.
    ///
    /// # Errors
    /// Redis's.
    pub async fn lock(&self, name: &str, holder: &str, ttl: Duration) -> redis::RedisResult<bool> {
        Script::new(LOCK)
            .key(format!("{}:lock:{name}", self.namespace))
            .arg(holder)
            .arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
            .invoke_async(&mut self.conn())
            .await
    }

    /// Gives the lock back, if `holder` has it.
    ///
    /// # Errors
    /// Redis's.
    pub async fn unlock(&self, name: &str, holder: &str) -> redis::RedisResult<()> {
        Script::new(UNLOCK)
            .key(format!("{}:lock:{name}", self.namespace))
            .arg(holder)
            .invoke_async::<i64>(&mut self.conn())
            .await
            .map(drop)
    }

    /// The queues that Redis has heard of.
    ///
    /// # Errors
    /// Redis's.
    pub async fn known_queues(&self) -> redis::RedisResult<Vec<String>> {
        redis::cmd("SMEMBERS").arg(format!("{}:queues", self.namespace)).query_async(&mut self.conn()).await
    }

    /// Makes queues known.
    ///
    /// # Errors
    /// Redis's.
    pub async fn know_queues(&self, names: &[String]) -> redis::RedisResult<()> {
        if names.is_empty() {
            return Ok(());
        }
        redis::cmd("SADD").arg(format!("{}:queues", self.namespace)).arg(names).query_async(&mut self.conn()).await
    }
}
