//! Redis' clock is compared with the ledger's, and each queue told by how much it is ahead.
//!
//! What was written into a queue that nobody has opened yet was written by the wrong time; it begins anew.
//! How to break it: correct by what a slow answer says (the comparison is refused then, and what is known stands); end
//! leases right after a correction (they were taken by the clock of before, and whoever lives renews them).

use std::time::{Duration, Instant};

use super::{Keeper, KeeperError, LedgerConn, Watch};
use crate::lanes::SKEW_TOLERATED;
use crate::schedule::take;

/// Within this a comparison means something.
const SLOW: Duration = Duration::from_millis(250);
const TRIES: usize = 3;

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Keeper {
    /// By how many milliseconds Redis is ahead of the ledger; none where the answers took too long.
    async fn ahead_ms(&self, conn: &mut LedgerConn) -> Result<Option<i64>, KeeperError> {
        for _ in 0..TRIES {
            let begun = Instant::now();
            let ledger_ms = take::now(conn).await?.timestamp_millis();
            let asked = begun.elapsed();
            let shows_ms = self.lanes.shows_ms().await?;
            let told = begun.elapsed() - asked;
            if asked.max(told) <= SLOW {
                // Each clock was read in the middle of its answer's way.
                return Ok(Some(shows_ms - ledger_ms - millis((asked + told) / 2)));
            }
        }
        Ok(None)
    }

    /// Compares the clocks, and tells the queues where that is news.
    pub(super) async fn compare_clocks(&self, conn: &mut LedgerConn, state: &mut Watch) -> Result<(), KeeperError> {
        let Some(ahead_ms) = self.ahead_ms(conn).await? else { return Ok(()) };
        let tolerated = millis(SKEW_TOLERATED);
        if state.ahead_ms.is_some_and(|known| (known - ahead_ms).abs() < tolerated) {
            return Ok(());
        }
        let ahead_ms = if ahead_ms.abs() < tolerated { 0 } else { ahead_ms };
        let mut news = false;
        let closed = self.lanes.closed(&state.queues).await?;
        for (queue, closed) in state.queues.iter().zip(closed) {
            news |= self.lanes.set_ahead(queue, ahead_ms, closed).await?;
        }
        state.ahead_ms = Some(ahead_ms);
        if news {
            tracing::warn!(ahead_ms, "Redis' clock is not the ledger's; its times are corrected");
            state.calm_at = Some(Instant::now() + self.settings.lease);
        }
        Ok(())
    }
}
