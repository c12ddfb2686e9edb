//! Dead letters that nobody will redrive are put away; their records stay as they failed.

use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Tx, TypedId};
use patchbay_queue::ledger::dead;

/// Puts away those of `ids` that are dead letters. Answers which.
///
/// # Errors
/// The database's.
pub async fn discard(tx: &mut Tx, ids: &[JobId]) -> DbResult<Vec<JobId>> {
    let tenant = tx.tenant().uuid();
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    let rows = dead::discard(tx, tenant, &ids).await?;
    Ok(rows.iter().map(|row| JobId::from_uuid(row.id)).collect())
}
