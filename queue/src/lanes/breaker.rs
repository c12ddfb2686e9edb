//! Circuit breakers: a key behind which everything fails is left alone for a while.
//!
//! They live in Redis; of one that is open the ledger knows ([`Stop`](super::Stop)), and failures that a flush forgets are
//! counted anew.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};

static BREAKER: LazyLock<Script> = script!("parts/keys", "breaker");

/// How a call to what stands behind a key went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// It answered.
    Ok,
    /// It did not, or said that it cannot.
    Failure,
}

impl Lanes {
    /// Tells the breakers of `key` (the tenant's and the one of all tenants, where they have rules) how a call went.
    /// Answers the Unix millisecond until which one is open.
    ///
    /// # Errors
    /// Redis's; the breakers then do not know.
    pub async fn report(&self, queue: &str, key: &LaneName, went: Report) -> redis::RedisResult<Option<i64>> {
        let shared = LaneName { tenant: Uuid::nil(), lane: key.lane.clone() };
        let mut call = BREAKER.key(self.prefix(queue));
        call.arg(u8::from(went == Report::Ok)).arg(key.field());
        if *key != shared {
            call.arg(shared.field());
        }
        let until: i64 = call.invoke_async(&mut self.conn()).await?;
        Ok((until > 0).then_some(until))
    }
}
