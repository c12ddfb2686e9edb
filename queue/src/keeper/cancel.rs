//! Groups that somebody wants cancelled, a batch at a time: out of Redis first, then in the ledger, then out of Redis once
//! more, and kept out.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn, done_for};
use crate::lanes::{LaneName, When};
use crate::ledger::cancel::cancel_many;
use crate::ledger::groups::doomed;

/// Members of one batch, and batches of a tick. Each batch reads past the index entries of those that were cancelled before
/// it: small ones took two and a half minutes for a million.
const BATCH: i64 = 2_000;
const ROUNDS: usize = 2;

impl Keeper {
    /// Cancels members of groups that are to be cancelled; those that run are asked to stop. One probe where there is
    /// none; `true`: there are more.
    pub(super) async fn cancel_groups(&self, conn: &mut LedgerConn) -> Result<bool, KeeperError> {
        for _ in 0..ROUNDS {
            let page = doomed(conn, BATCH).await?;
            if page.is_empty() {
                return Ok(false);
            }
            let mut by_queue: HashMap<String, Vec<(Uuid, LaneName)>> = HashMap::new();
            for job in page {
                let lane = LaneName { tenant: job.tenant_id, lane: job.lane };
                by_queue.entry(job.queue).or_default().push((job.id, lane));
            }
            for (queue, jobs) in by_queue {
                let told = self.lanes.drop_or_cancel(&queue, &jobs, When::BeforeCommit).await;
                let Some(running) = done_for(&queue, told)? else { continue };
                let told: Vec<_> =
                    jobs.iter().zip(&running).map(|((id, lane), running)| (lane.tenant, *id, *running)).collect();
                let over: HashSet<_> = cancel_many(conn, &told).await?.into_iter().collect();
                let over: Vec<_> = jobs.into_iter().filter(|(id, _)| over.contains(id)).collect();
                self.lanes.drop_or_cancel(&queue, &over, When::AfterCommit).await?;
            }
        }
        Ok(true)
    }
}
