//! Jobs that were held because their kind is paused are let go when it is not any more, in batches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::EVERY_QUEUE;
use crate::ledger::controls;
use crate::ledger::hold::{Place, parked_by_pause, release_kind};

/// Jobs of one batch.
const BATCH: i64 = 1_000;
/// The other duties wait no longer than this.
const TURN: Duration = Duration::from_millis(200);

impl Keeper {
    /// Lets go what no pause holds any more. One probe where nothing is parked; `true`: there is more.
    /// The tenants take turns, from `place` on.
    pub(super) async fn release_parked(&self, conn: &mut LedgerConn, place: &mut Place) -> Result<bool, KeeperError> {
        let begun = Instant::now();
        let parked = parked_by_pause(conn).await?;
        if parked.is_empty() {
            return Ok(false);
        }
        let paused: HashSet<(String, String)> = controls::paused_kinds(conn).await?.into_iter().collect();
        for of in parked {
            let everywhere = (EVERY_QUEUE.to_owned(), of.kind.clone());
            if paused.contains(&(of.queue.clone(), of.kind.clone())) || paused.contains(&everywhere) {
                continue;
            }
            loop {
                let as_of = Instant::now();
                let free = release_kind(conn, &of.queue, &of.kind, BATCH, place).await?;
                let full = free.len() as u64 >= BATCH.unsigned_abs();
                self.hand_out(free, as_of).await?;
                if !full {
                    break;
                }
                if begun.elapsed() >= TURN {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
