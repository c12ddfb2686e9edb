//! Due jobs go to their lanes.
//!
//! It goes on beside the keeper's other duties, with a connection of its own: an audit of very many lanes takes seconds, and
//! a retry must not wait for it.

use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Keeper, KeeperError, LedgerConn, SLOW_TICK, TICK};
use crate::ledger::promote::{Place, promote_in_turn};

/// Jobs of one batch, and batches of a tick.
const BATCH: i64 = 1_000;
const ROUNDS: usize = 2;

impl Keeper {
    /// Promotes until `stop`, while this keeper is told to lead.
    pub(super) async fn keep_promoted(&self, led: watch::Receiver<Option<Vec<String>>>, stop: CancellationToken) {
        let mut place = Place::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let leads = led.borrow().is_some();
            if leads && let Err(error) = self.promote_some(&mut place).await {
                tracing::warn!(%error, "due jobs wait");
                tokio::time::sleep(SLOW_TICK).await;
            }
        }
    }

    async fn promote_some(&self, place: &mut Place) -> Result<(), KeeperError> {
        let mut conn = self.conn().await?;
        for _ in 0..ROUNDS {
            if !self.promote(&mut conn, place).await? {
                break;
            }
        }
        Ok(())
    }

    /// Promotes one batch; `true`: there may be more.
    pub(super) async fn promote(&self, conn: &mut LedgerConn, place: &mut Place) -> Result<bool, KeeperError> {
        let as_of = Instant::now();
        let rows = promote_in_turn(conn, BATCH, place).await?;
        let more = rows.len() as u64 >= BATCH.unsigned_abs();
        self.hand_out(rows, as_of).await?;
        Ok(more)
    }
}
