//! Dead letters that nobody redrove or discarded are put away, as a person would; the row then goes with its day.

use chrono::{DateTime, Utc};
use patchbay_db::{DbResult, SystemTx};
use patchbay_queue::ledger::dead;

/// Puts away at most `limit` jobs that died before `before`; answers how many.
pub(super) async fn put_away(tx: &mut SystemTx, before: DateTime<Utc>, limit: i64) -> DbResult<usize> {
    Ok(dead::discard_before(tx, before, limit).await?)
}
