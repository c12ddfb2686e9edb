//! Settings of a Redis under which it may lose what it was told, each said once by the keeper that meets it.
//!
//! Nothing is refused for them: a Redis that is emptied is filled from the ledger. But an eviction takes one key, and leaves
//! others that say that all is there; and without a log every restart is an empty Redis.

use redis::InfoDict;

use super::Lanes;

const EVICTS: &str = "maxmemory-policy is not noeviction: Redis will drop parts of lanes when its memory is full, and repair \
    does not see all of what is gone: such jobs may wait for ever. Set maxmemory-policy noeviction";
const FORGETS: &str =
    "appendonly is off: after a restart of Redis every lane is made anew from the ledger. Set appendonly yes";

impl Lanes {
    /// What of this Redis' settings whoever runs it should change. A managed one may not tell, and is then not blamed.
    ///
    /// # Errors
    /// Redis's.
    pub async fn risks(&self) -> redis::RedisResult<Vec<&'static str>> {
        let info: InfoDict = redis::cmd("INFO").arg("memory").arg("persistence").query_async(&mut self.conn()).await?;
        Ok(risks(info.get("maxmemory_policy"), info.get("aof_enabled")))
    }
}

fn risks(policy: Option<String>, aof_enabled: Option<u8>) -> Vec<&'static str> {
    let evicts = policy.is_some_and(|policy| policy != "noeviction").then_some(EVICTS);
    evicts.into_iter().chain((aof_enabled == Some(0)).then_some(FORGETS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eviction_and_a_missing_log_are_said_and_what_is_not_told_is_not() {
        assert_eq!(risks(Some("allkeys-lru".to_owned()), Some(0)), [EVICTS, FORGETS]);
        assert!(risks(Some("noeviction".to_owned()), Some(1)).is_empty());
        assert!(risks(None, None).is_empty());
    }
}
