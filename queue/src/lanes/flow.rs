//! How fast jobs come and go in a queue: for those who decide how many workers there are.
//!
//! Pushes and ends leave a count, one command a batch; a rate is the difference to a reading of some 15 to 30 seconds
//! ago, which the one who asks leaves for the next. Nobody asks: nothing is sampled. Rejected: counting rows of the ledger
//! by their time (it has no index by time, and one would be written for every job).

use std::sync::LazyLock;

use redis::Script;

use super::Lanes;
use super::script::script;

static FLOW: LazyLock<Script> = script!("flow");

/// Jobs a second, lately.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// Came to be due: made, redriven, or tried again.
    pub arrived_per_second: f64,
    /// Runs that ended, however they did.
    pub finished_per_second: f64,
}

impl Lanes {
    /// How fast jobs come and go in `queue`; none where nobody asked within the last three minutes, or Redis was emptied.
    ///
    /// # Errors
    /// Redis's.
    pub async fn flow(&self, queue: &str) -> redis::RedisResult<Option<Flow>> {
        let answer: Vec<f64> = FLOW.key(self.prefix(queue)).invoke_async(&mut self.conn()).await?;
        let [ms, come, gone] = answer[..] else { return Ok(None) };
        let per_second = |count: f64| count * 1_000.0 / ms.max(1.0);
        Ok(Some(Flow { arrived_per_second: per_second(come), finished_per_second: per_second(gone) }))
    }
}
