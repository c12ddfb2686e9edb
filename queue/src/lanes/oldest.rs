//! Since when the oldest due job of a queue waits, as dispatcher repair saw it.
//!
//! Its audit looks at every lane every few seconds anyway. Whoever is asked for the age of a queue of ten thousand lanes
//! reads what it left, where looking by itself would cost a probe of the ledger's index for each lane.

use super::Lanes;

/// How long it stands without the keeper's word.
const STANDS_FOR_S: u64 = 30;

impl Lanes {
    /// Leaves the Unix millisecond for those who ask; none where nothing waits.
    pub(crate) async fn tell_oldest(&self, queue: &str, due_ms: Option<i64>) -> redis::RedisResult<()> {
        let key = format!("{}oldest", self.prefix(queue));
        let Some(due_ms) = due_ms else { return redis::cmd("DEL").arg(key).query_async(&mut self.conn()).await };
        redis::cmd("SET").arg(key).arg(due_ms).arg("EX").arg(STANDS_FOR_S).query_async(&mut self.conn()).await
    }

    /// The Unix millisecond since which the oldest job of `queue` is due, at most a few seconds ago; none where nothing
    /// waited, or no keeper has looked for half a minute.
    ///
    /// # Errors
    /// Redis's.
    pub async fn oldest(&self, queue: &str) -> redis::RedisResult<Option<i64>> {
        redis::cmd("GET").arg(format!("{}oldest", self.prefix(queue))).query_async(&mut self.conn()).await
    }
}
