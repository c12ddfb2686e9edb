//! The engine's clock: the ledger's time, as Redis tells it, carried on by this machine's steady clock.
//!
//! A worker's wall clock decides nothing, in the engine or in a handler that is given this clock: with one that is five
//! minutes off, retries would come at once or late, and jobs would expire before their time. Every claim's answer
//! carries the time; between two answers the monotonic clock counts on, which no operator and no time service moves.
//! Rejected: asking for the time where it is needed (a round trip for each outcome), and an offset to the wall clock
//! (which jumps when the wall clock is put right). A process that claims nothing asks the ledger now and then
//! ([`EngineClock::follow`]). An answer's time is a little old when it is read, so of several the one that says the
//! latest is the truest; one that says far less than expected is of a clock that was put back, and is believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeZone as _, Utc};

use crate::context::LedgerPool;
use crate::ledger;

const FOLLOWED_EVERY: Duration = Duration::from_secs(10);
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Now, by this machine.
#[expect(clippy::disallowed_methods, reason = "the one place of the engine that reads the machine's clock")]
#[must_use]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Nobody was heard yet.
const UNHEARD: i64 = i64::MIN;
/// How much less than expected is a slow answer; more is a clock put back.
const SLOW_MS: i64 = 250;

/// See the module. Clones are the same clock: one that any queue of a process sets right is right for all of it.
#[derive(Debug, Clone)]
pub struct EngineClock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What the wall clock says: only until somebody was heard.
    local: fn() -> DateTime<Utc>,
    begin: Instant,
    /// The Unix milliseconds at `begin`.
    zero_ms: AtomicI64,
}

impl EngineClock {
    /// A clock that goes by `local` until it hears from Redis, which it does before anything runs; tests set it wrong.
    #[must_use]
    pub fn new(local: fn() -> DateTime<Utc>) -> Self {
        Self { inner: Arc::new(Inner { local, begin: Instant::now(), zero_ms: AtomicI64::new(UNHEARD) }) }
    }

    /// Asks the ledger for the time, at once and then every few seconds, for ever. While it does not answer the clock goes on
    /// as it went.
    pub async fn follow(&self, pool: &LedgerPool) {
        loop {
            match self.ask(pool).await {
                Ok(()) => tokio::time::sleep(FOLLOWED_EVERY).await,
                Err(error) => {
                    tracing::debug!(%error, "the ledger does not tell the time");
                    tokio::time::sleep(ASKED_AGAIN_AFTER).await;
                }
            }
        }
    }

    /// Asks the ledger for the time.
    ///
    /// # Errors
    /// The ledger is away.
    pub async fn ask(&self, pool: &LedgerPool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut conn = pool.get().await?;
        let asked = Instant::now();
        let unix_ms = ledger::now(&mut conn).await?.timestamp_millis();
        let unheard = self.inner.zero_ms.load(Ordering::Relaxed) == UNHEARD;
        if unheard || asked.elapsed() < Duration::from_millis(SLOW_MS.unsigned_abs()) {
            self.heard(unix_ms);
        }
        Ok(())
    }

    /// Now, in UTC, to the millisecond.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self.inner.zero_ms.load(Ordering::Relaxed) {
            UNHEARD => (self.inner.local)(),
            zero => at(zero.saturating_add(self.steady_ms())).unwrap_or_else(self.inner.local),
        }
    }

    /// Redis or the ledger said that it was this Unix millisecond, a moment ago.
    pub(crate) fn heard(&self, unix_ms: i64) {
        let zero = unix_ms.saturating_sub(self.steady_ms());
        let before = self.inner.zero_ms.load(Ordering::Relaxed);
        if before == UNHEARD || zero > before || zero < before - SLOW_MS {
            self.inner.zero_ms.store(zero, Ordering::Relaxed);
        }
    }

    fn steady_ms(&self) -> i64 {
        i64::try_from(self.inner.begin.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Default for EngineClock {
    fn default() -> Self {
        Self::new(now)
    }
}

fn at(unix_ms: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_millis_opt(unix_ms).single()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn late() -> DateTime<Utc> {
        now() - TimeDelta::minutes(5)
    }

    fn off_by(clock: &EngineClock) -> TimeDelta {
        (clock.now() - now()).abs()
    }

    #[test]
    fn the_wall_clock_counts_only_until_redis_was_heard() {
        let clock = EngineClock::new(late);
        assert!(off_by(&clock) > TimeDelta::minutes(4));
        clock.heard(now().timestamp_millis());
        assert!(off_by(&clock) < TimeDelta::milliseconds(100));
    }

    #[test]
    fn a_slow_answer_moves_nothing_and_a_clock_put_back_is_believed() {
        let clock = EngineClock::default();
        let truth = now().timestamp_millis();
        clock.heard(truth);
        clock.heard(truth - 200);
        assert!(off_by(&clock) < TimeDelta::milliseconds(100), "the latest answer is the truest");
        clock.heard(truth - 3_600_000);
        assert!(off_by(&clock) > TimeDelta::minutes(59));
    }
}
