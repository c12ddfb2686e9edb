//! What follows from ends: groups are counted up, and those who waited for something are let go.
//!
//! A worker lets go those who waited for what it ended; this is for all other ends (a cancel, a discard, an expiry, a
//! group's), and for what a crash left in between.

use std::collections::HashMap;
use std::time::Instant;

use super::{Keeper, KeeperError, LedgerConn, done_for};
use crate::Envelope;
use crate::ledger::{JobRow, dependencies, groups};

/// Deltas of one fold, ended jobs and groups (and ties) of one step, and how many of either a tick does.
const DELTAS: i64 = 5_000;
const ENDED: i32 = 1_000;
const ROUNDS: usize = 4;

impl Keeper {
    /// Folds the groups' deltas and lets go who is free. Two probes where there is nothing; `true`: there may be more.
    pub(super) async fn flow(&self, conn: &mut LedgerConn) -> Result<bool, KeeperError> {
        let mut more = groups::any_delta(conn).await?;
        for _ in 0..ROUNDS {
            if !more {
                break;
            }
            more = groups::fold(conn, DELTAS).await? >= DELTAS;
        }
        let mut ended = dependencies::any_ended(conn).await?;
        for _ in 0..ROUNDS {
            if !ended {
                break;
            }
            let as_of = Instant::now();
            let free = dependencies::pass_on(conn, ENDED).await?;
            self.hand_out(free, as_of).await?;
            ended = dependencies::any_ended(conn).await?;
        }
        Ok(more || ended)
    }

    /// Pushes jobs, which the ledger answered after `as_of`, to their lanes, of whatever queue.
    pub(super) async fn hand_out(&self, rows: Vec<JobRow>, as_of: Instant) -> Result<(), KeeperError> {
        let mut by_queue: HashMap<String, Vec<Envelope>> = HashMap::new();
        for row in rows {
            by_queue.entry(row.queue.clone()).or_default().push(row.into());
        }
        for (queue, jobs) in by_queue {
            // Where that cannot be done, the audit finds them later.
            done_for(&queue, self.lanes.push(&queue, &jobs, self.settings.window, as_of).await)?;
        }
        Ok(())
    }
}
