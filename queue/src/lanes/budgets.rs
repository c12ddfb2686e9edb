//! Budgets that processes share, apart from any queue: what a caller of an API may ask for, say.
//!
//! Each process takes from its own bucket without asking anybody, and tells here what it took, many budgets a call; what
//! it hears is what all of them together have left. So no request waits for Redis, and without Redis each process
//! is on its own.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::Lanes;

static BUDGETS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/budgets.lua")));

/// What one call tells at most: a script must not hold Redis up.
pub const AT_ONCE: usize = 200;

impl Lanes {
    /// Adds what was taken from each budget since the last call, as the time in which that comes back; answers in how
    /// long each is full again. Budgets beyond [`AT_ONCE`] are not looked at.
    ///
    /// # Errors
    /// Redis's; whether it took note is unknown then.
    pub async fn share_budgets(&self, taken: &[(String, Duration)]) -> redis::RedisResult<Vec<Duration>> {
        let mut call = BUDGETS.prepare_invoke();
        call.key(format!("{}:{{budgets}}:", self.namespace));
        for (name, time) in taken.iter().take(AT_ONCE) {
            call.arg(name).arg(time.as_secs_f64() * 1000.0);
        }
        let full_in: Vec<u64> = call.invoke_async(&mut self.conn()).await?;
        Ok(full_in.into_iter().map(Duration::from_millis).collect())
    }
}
