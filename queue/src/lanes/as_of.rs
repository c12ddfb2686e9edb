//! As of when somebody knows the ledger, told to Redis by its own clock, whatever queues take that to be worth.
//!
//! Machines' clocks differ, and may be minutes off: so an instant of this process is told by how long ago it was, from the
//! last time that Redis told. That is earlier than the truth by as long as that answer was on its way, never later: whoever
//! pushes is taken to know less than it does, and the audit brings what is refused.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Lanes;

/// What Redis's clock showed, and when that was heard.
pub(super) type Heard = Arc<Mutex<Option<(Instant, i64)>>>;

/// After so long two clocks may have drifted apart.
const BELIEVED: Duration = Duration::from_secs(60);

impl Lanes {
    /// Redis told this time, in Unix milliseconds.
    pub(super) fn heard(&self, now_ms: i64) {
        *self.heard.lock().expect("no holder of this lock can panic") = Some((Instant::now(), now_ms));
    }

    /// Asks Redis for its time.
    pub(super) async fn hear(&self) -> redis::RedisResult<()> {
        let now_ms = self.shows_ms().await?;
        self.heard(now_ms);
        Ok(())
    }

    /// When `at` was, by Redis' own clock, right or wrong.
    pub(super) async fn as_of(&self, at: Instant) -> redis::RedisResult<i64> {
        let known = || *self.heard.lock().expect("no holder of this lock can panic");
        if known().is_none_or(|(heard, _)| heard.elapsed() > BELIEVED) {
            self.hear().await?;
        }
        let (heard, now_ms) = known().expect("heard just now or before, and never forgotten");
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Ok(if at >= heard { now_ms + millis(at - heard) } else { now_ms - millis(heard - at) - 1 })
    }
}
