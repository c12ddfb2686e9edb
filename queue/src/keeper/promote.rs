//! Due jobs go to their lanes.

use std::time::Instant;

use super::{Keeper, KeeperError, LedgerConn};
use crate::ledger::promote::promote;

const BATCH: i64 = 1_000;

impl Keeper {
    /// Promotes one batch; `true`: there may be more.
    pub(super) async fn promote(&self, conn: &mut LedgerConn) -> Result<bool, KeeperError> {
        let as_of = Instant::now();
        let rows = promote(conn, BATCH).await?;
        let more = rows.len() as u64 >= BATCH.unsigned_abs();
        self.hand_out(rows, as_of).await?;
        Ok(more)
    }
}
