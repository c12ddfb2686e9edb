//! Jobs that must not run any more, because their time is over, become dead letters: out of Redis first, then in the
//! ledger. Those that run are left to their runs.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Keeper, KeeperError, LedgerConn, done_for};
use crate::lanes::LaneName;
use crate::ledger::lapse::{lapse, lapsed};

/// Jobs of one batch, and batches of a tick.
const BATCH: i64 = 500;
const ROUNDS: usize = 4;

impl Keeper {
    /// Ends jobs whose time is over. One probe where there is none.
    pub(super) async fn lapse(&self, conn: &mut LedgerConn) -> Result<(), KeeperError> {
        for _ in 0..ROUNDS {
            let page = lapsed(conn, BATCH).await?;
            let full = page.len() as u64 >= BATCH.unsigned_abs();
            let mut over: Vec<(Uuid, Uuid)> = Vec::with_capacity(page.len());
            let mut due: HashMap<String, Vec<(Uuid, LaneName)>> = HashMap::new();
            for job in page {
                if job.due {
                    let lane = LaneName { tenant: job.tenant_id, lane: job.lane };
                    due.entry(job.queue).or_default().push((job.id, lane));
                } else {
                    over.push((job.tenant_id, job.id));
                }
            }
            for (queue, jobs) in due {
                let Some(running) = done_for(&queue, self.lanes.withdraw(&queue, &jobs).await)? else { continue };
                let idle = jobs.iter().zip(running).filter(|(_, running)| !running);
                over.extend(idle.map(|((id, lane), _)| (lane.tenant, *id)));
            }
            if over.is_empty() || lapse(conn, &self.settings.name, &over).await?.is_empty() || !full {
                return Ok(());
            }
        }
        Ok(())
    }
}
