//! Forgetting all that Redis knows of a queue, in pieces that hold nobody up.
//!
//! In the middle of it there are jobs that are known but in no lane, and lanes that nobody serves; whoever wrote then would
//! leave such for good. So a mark is set first: while it stands every script of the queue is refused (parts/keys.lua), which
//! its callers take for an outage. Who dies before the end leaves the mark, and the keeper begins again, with a mark of its
//! own: of two who forget the earlier stops. Rejected: one script that looks at every key of the Redis at one stroke.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use redis::Script;

use super::Lanes;

static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/forget.lua")));

/// Keys that one step looks at.
const STEP: usize = 100;
/// How long somebody else may take who took over, before it is done once more.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);

impl Lanes {
    /// Forgets everything about `queue` but by how much Redis' clock is ahead, and leaves it closed. For tests and operators
    /// in trouble; the audit brings back what the ledger knows.
    ///
    /// # Errors
    /// Redis's. What is half forgotten then is refused to everybody until a keeper, or another call, ends it.
    pub async fn forget(&self, queue: &str) -> redis::RedisResult<()> {
        self.begin_anew(queue, None).await
    }

    /// The same, where from then on Redis' clock is taken to be ahead by so many milliseconds.
    pub(super) async fn begin_anew(&self, queue: &str, ahead_ms: Option<i64>) -> redis::RedisResult<()> {
        let ahead = ahead_ms.map_or_else(String::new, |ahead_ms| ahead_ms.to_string());
        while !self.go_through(queue, &ahead).await? {
            // Somebody else does it.
            let patience = Instant::now() + PATIENCE;
            while self.is_half_forgotten(queue).await? && Instant::now() < patience {
                tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            }
            if Instant::now() < patience {
                return Ok(());
            }
        }
        Ok(())
    }

    /// `false`: somebody else began after this.
    async fn go_through(&self, queue: &str, ahead: &str) -> redis::RedisResult<bool> {
        let prefix = self.prefix(queue);
        let meta = format!("{prefix}meta");
        let mark: String = FORGET.key(&prefix).arg("").invoke_async(&mut self.conn()).await?;
        let pattern = format!("{}*", prefix.replace(['[', ']', '*', '?', '\\'], "?"));
        let mut cursor = 0_u64;
        loop {
            let (next, mut keys): (u64, Vec<String>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(STEP)
                .query_async(&mut self.conn())
                .await?;
            keys.retain(|key| key.starts_with(&prefix) && *key != meta);
            let last = next == 0;
            let mut call = FORGET.key(&prefix);
            call.arg(&mark).arg(u8::from(last)).arg(ahead).arg(keys);
            if call.invoke_async::<String>(&mut self.conn()).await? != mark {
                return Ok(false);
            }
            if last {
                return Ok(true);
            }
            cursor = next;
        }
    }

    async fn is_half_forgotten(&self, queue: &str) -> redis::RedisResult<bool> {
        let meta = format!("{}meta", self.prefix(queue));
        redis::cmd("HEXISTS").arg(meta).arg("anew").query_async(&mut self.conn()).await
    }

    /// Ends what somebody began to forget and did not end.
    ///
    /// # Errors
    /// Redis's.
    pub(crate) async fn end_forgetting(&self, queue: &str) -> redis::RedisResult<()> {
        if self.is_half_forgotten(queue).await? { self.forget(queue).await } else { Ok(()) }
    }
}
