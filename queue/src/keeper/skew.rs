//! Redis' clock is compared with the ledger's, and each queue told by how much it is ahead.
//!
//! How to break it: believe a slow answer to the millisecond; forget what was written by a time that was right; end leases
//! right after a correction (they were taken by the clock of before, and whoever lives renews them).

use std::time::{Duration, Instant};

use super::{Keeper, KeeperError, LedgerConn, Watch, done_for};
use crate::lanes::SKEW_TOLERATED;
use crate::ledger;

/// By how many milliseconds Redis is ahead of the ledger, and what differs from that by less is the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead {
    ms: i64,
    within_ms: i64,
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Keeper {
    async fn ahead(&self, conn: &mut LedgerConn) -> Result<Ahead, KeeperError> {
        let begun = Instant::now();
        let ledger_ms = ledger::now(conn).await?.timestamp_millis();
        let shows_ms = self.lanes.shows_ms().await?;
        // Each clock was read somewhere on its answer's way, in the middle most likely: between the two passed half of
        // the whole.
        let between = begun.elapsed() / 2;
        let (ms, within_ms) = (shows_ms - ledger_ms - millis(between), millis(SKEW_TOLERATED + between));
        Ok(Ahead { ms: if ms.abs() < within_ms { 0 } else { ms }, within_ms })
    }

    /// Compares the clocks, and tells the queues where that is news. Answers whether it is.
    pub(super) async fn compare_clocks(&self, conn: &mut LedgerConn, state: &mut Watch) -> Result<bool, KeeperError> {
        let ahead = self.ahead(conn).await?;
        if state.ahead.is_some_and(|known| (known.ms - ahead.ms).abs() < ahead.within_ms) {
            return Ok(false);
        }
        state.ahead = Some(ahead);
        let mut news = false;
        for queue in &state.queues {
            let told = self.lanes.correct(queue, ahead.ms, ahead.within_ms).await;
            news |= done_for(queue, told)?.unwrap_or(false);
        }
        if news {
            tracing::warn!(ahead_ms = ahead.ms, "Redis' clock is not the ledger's; its times are corrected");
            state.calm_at = Some(Instant::now() + self.settings.lease);
        }
        Ok(news)
    }

    /// Tells a queue that is about to be opened.
    pub(super) async fn correct(&self, queue: &str, ahead: Option<Ahead>) -> Result<(), KeeperError> {
        if let Some(ahead) = ahead {
            self.lanes.correct(queue, ahead.ms, ahead.within_ms).await?;
        }
        Ok(())
    }
}
