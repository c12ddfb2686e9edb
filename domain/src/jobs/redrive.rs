//! Dead letters live again, with a fresh budget and their history.

use std::collections::BTreeMap;

use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Tx, TypedId};
use patchbay_queue::ledger::dead;

use super::records;

/// Lets those of `ids` that are dead letters run again, their records with them; they are pushed after the commit.
/// Answers which.
///
/// # Errors
/// The database's.
pub async fn redrive(tx: &mut Tx, ids: &[JobId]) -> DbResult<Vec<JobId>> {
    let tenant = tx.tenant().uuid();
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    let rows = dead::redrive(tx, tenant, &ids).await?;
    let mut by_kind: BTreeMap<&str, Vec<JobId>> = BTreeMap::new();
    for row in &rows {
        by_kind.entry(&row.kind).or_default().push(JobId::from_uuid(row.id));
    }
    for (kind, jobs) in by_kind {
        records::redriven(tx, kind, &jobs).await?;
    }
    let redriven = rows.iter().map(|row| JobId::from_uuid(row.id)).collect();
    tx.push_after_commit(rows);
    Ok(redriven)
}
