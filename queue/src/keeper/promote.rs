//! Due jobs go to their lanes.

use std::collections::HashMap;

use super::{Keeper, KeeperError, LedgerConn};
use crate::Envelope;
use crate::ledger::promote::promote;

const BATCH: i64 = 1_000;

impl Keeper {
    /// Promotes one batch; `true`: there may be more.
    pub(super) async fn promote(&self, conn: &mut LedgerConn) -> Result<bool, KeeperError> {
        let rows = promote(conn, BATCH).await?;
        let more = rows.len() as u64 >= BATCH.unsigned_abs();
        let mut by_queue: HashMap<String, Vec<Envelope>> = HashMap::new();
        for row in rows {
            by_queue.entry(row.queue.clone()).or_default().push(row.into());
        }
        for (queue, jobs) in by_queue {
            self.lanes.push(&queue, &jobs, self.settings.window, false).await?;
        }
        Ok(more)
    }
}
