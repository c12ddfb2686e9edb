//! Jobs that were held because their kind is paused are let go when it is not any more, in batches.

use std::collections::HashSet;

use super::{Keeper, KeeperError, LedgerConn};
use crate::lanes::EVERY_QUEUE;
use crate::ledger::controls;
use crate::ledger::hold::{parked_by_pause, release_kind};

/// Jobs of one batch, and batches of a kind and a tick.
const BATCH: i64 = 1_000;
const ROUNDS: usize = 5;

impl Keeper {
    /// Lets go what no pause holds any more. One probe where nothing is parked.
    pub(super) async fn release_parked(&self, conn: &mut LedgerConn) -> Result<(), KeeperError> {
        let parked = parked_by_pause(conn).await?;
        if parked.is_empty() {
            return Ok(());
        }
        let paused: HashSet<(String, String)> = controls::pauses(conn, None)
            .await?
            .into_iter()
            .filter_map(|pause| Some((pause.queue, pause.kind?)))
            .collect();
        for of in parked {
            let everywhere = (EVERY_QUEUE.to_owned(), of.kind.clone());
            if paused.contains(&(of.queue.clone(), of.kind.clone())) || paused.contains(&everywhere) {
                continue;
            }
            for _ in 0..ROUNDS {
                let free = release_kind(conn, &of.queue, &of.kind, BATCH).await?;
                let full = free.len() as u64 >= BATCH.unsigned_abs();
                self.hand_out(free).await?;
                if !full {
                    break;
                }
            }
        }
        Ok(())
    }
}
