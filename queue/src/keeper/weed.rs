//! What Redis holds although the ledger has moved on.
//!
//! A Redis that comes back from its log has lost its last second: a job that was cancelled or held in it stands in its lane
//! again, and a claim does not ask the ledger. So before a queue is opened again, all that waits in it is held against the
//! ledger. While it is closed nobody claims, and whoever takes a job out from now on is heard.
//! How to break it: open first.

use std::collections::HashSet;

use super::{Keeper, KeeperError, LedgerConn};
use crate::ledger::refill::still_waiting;

impl Keeper {
    /// Takes out of Redis the jobs that wait there and not in the ledger.
    pub(super) async fn weed(&self, conn: &mut LedgerConn, queue: &str) -> Result<(), KeeperError> {
        let mut cursor = 0;
        loop {
            let (next, here) = self.lanes.waiting_here(queue, cursor).await?;
            let keys: Vec<_> = here.iter().map(|(id, lane)| (lane.tenant, *id)).collect();
            let wait: HashSet<_> = still_waiting(conn, &keys).await?.into_iter().collect();
            let gone: Vec<_> = here.into_iter().filter(|(id, _)| !wait.contains(id)).collect();
            self.lanes.withdraw(queue, &gone).await?;
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }
}
