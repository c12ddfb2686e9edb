//! Ended jobs: whole days of the ledger.

use chrono::{DateTime, Utc};
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::ledger::partitions;

/// Drops the days of which nothing has ended since the day of `before`; answers how many.
pub(super) async fn drop_days(tx: &mut SystemTx, before: DateTime<Utc>) -> DbResult<usize> {
    let dropped = partitions::drop_before(tx, before.date_naive()).await?;
    Ok(usize::try_from(dropped).unwrap_or(0))
}
