//! Tokens for a job that works through many things: it takes what it may use, slice by slice.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};

static TOKENS: LazyLock<Script> = script!("parts/keys", "parts/gates", "tokens");

/// What a bucket gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Cost units, up to what was asked for.
    pub units: i64,
    /// Where nothing was granted: the Unix millisecond from which asking again makes sense.
    pub retry_at_ms: i64,
}

impl Lanes {
    /// Takes up to `want` units from all buckets of the lane's keys.
    ///
    /// # Errors
    /// Redis's.
    pub async fn take_tokens(&self, queue: &str, lane: &LaneName, want: i64) -> redis::RedisResult<Granted> {
        self.take(queue, lane, "", want).await
    }

    /// The same for the running job `job`, which may be the one that tries whether a breaker can close.
    ///
    /// # Errors
    /// Redis's.
    pub async fn take_tokens_as(
        &self,
        queue: &str,
        lane: &LaneName,
        job: Uuid,
        want: i64,
    ) -> redis::RedisResult<Granted> {
        self.take(queue, lane, &job.to_string(), want).await
    }

    async fn take(&self, queue: &str, lane: &LaneName, job: &str, want: i64) -> redis::RedisResult<Granted> {
        let run = self.current_run().await?;
        let (units, retry_at_ms) = TOKENS
            .key(self.prefix(queue))
            .arg(lane.tenant.to_string())
            .arg(&lane.lane)
            .arg(want)
            .arg(job)
            .arg(&*run)
            .invoke_async::<(i64, i64)>(&mut self.conn())
            .await?;
        Ok(Granted { units, retry_at_ms })
    }
}
