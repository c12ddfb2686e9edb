//! Forgetting all that Redis knows of a queue, in pieces that hold nobody up.
//!
//! In the middle of it there are jobs that are known but in no lane, and lanes that nobody serves; whoever wrote then would
//! leave such for good. So a mark is set first: while it stands every script of the queue is refused (parts/keys.lua), which
//! its callers take for an outage. Who dies before the end leaves the mark, and the keeper begins again. Rejected: one
//! script that looks at every key of the Redis at one stroke.

use std::sync::LazyLock;

use redis::Script;

use super::Lanes;

static FORGET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/forget.lua")));

/// Keys that one step looks at.
const STEP: usize = 200;

impl Lanes {
    /// Forgets everything about `queue`, as a flush would, and leaves it closed. For tests and operators in trouble; the
    /// audit brings back what the ledger knows.
    ///
    /// # Errors
    /// Redis's. What is half forgotten then is refused to everybody until a keeper, or another call, ends it.
    pub async fn forget(&self, queue: &str) -> redis::RedisResult<()> {
        self.begin_anew(queue, 0).await
    }

    /// The same, where from then on Redis' clock is taken to be ahead by so many milliseconds.
    pub(super) async fn begin_anew(&self, queue: &str, ahead_ms: i64) -> redis::RedisResult<()> {
        let prefix = self.prefix(queue);
        let meta = format!("{prefix}meta");
        let () = redis::pipe()
            .cmd("HSET")
            .arg(&meta)
            .arg("anew")
            .arg(1)
            .ignore()
            .cmd("HDEL")
            .arg(&meta)
            .arg("open")
            .ignore()
            .query_async(&mut self.conn())
            .await?;
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
            cursor = next;
            let mut call = FORGET.key(&prefix);
            if cursor == 0 {
                call.arg(ahead_ms)
            } else {
                call.arg("")
            };
            call.arg(keys);
            if call.invoke_async::<i64>(&mut self.conn()).await? == 0 || cursor == 0 {
                return Ok(());
            }
        }
    }

    /// Ends what somebody began to forget and did not end.
    ///
    /// # Errors
    /// Redis's.
    pub(crate) async fn end_forgetting(&self, queue: &str) -> redis::RedisResult<()> {
        let meta = format!("{}meta", self.prefix(queue));
        if redis::cmd("HEXISTS").arg(meta).arg("anew").query_async(&mut self.conn()).await? {
            self.forget(queue).await?;
        }
        Ok(())
    }
}
