//! Tokens for a job that works through many things: it takes what it may use, slice by slice.

use std::sync::LazyLock;

use redis::Script;

use super::{LaneName, Lanes};

static TOKENS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/tokens.lua")));

/// What a bucket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Cost units, up to what was asked for.
    pub units: i64,
    /// Where nothing was granted: the Unix millisecond from which asking again makes sense.
    pub retry_at_ms: i64,
}

impl Lanes {
    /// Takes up to `want` units from the lane's bucket and its tenant's.
    ///
    /// # Errors
    /// Redis's.
    pub async fn take_tokens(&self, queue: &str, lane: &LaneName, want: i64) -> redis::RedisResult<Granted> {
        let (units, retry_at_ms) = TOKENS
            .key(self.prefix(queue))
            .arg(lane.tenant.to_string())
            .arg(&lane.lane)
            .arg(want)
            .invoke_async::<(i64, i64)>(&mut self.conn())
            .await?;
        Ok(Granted { units, retry_at_ms })
    }
}
