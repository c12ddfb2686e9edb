//! Ended groups: counts of jobs that are kept no longer.

use chrono::{DateTime, Utc};
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::ledger::groups;

/// Forgets at most `limit` groups that ended before `before`; answers how many.
pub(super) async fn forget(tx: &mut SystemTx, before: DateTime<Utc>, limit: i64) -> DbResult<usize> {
    Ok(groups::forget_before(tx, before, limit).await?)
}
