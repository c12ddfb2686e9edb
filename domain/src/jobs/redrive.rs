//! Dead letters live again, with a fresh budget and their history.

use std::collections::BTreeMap;

use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{DbResult, TypedId, Unit};
use patchbay_queue::ledger::{Changed, dead};

use super::records;

/// Lets those of `jobs` (whose, and which) that are dead letters run again, their records with them; they are pushed after
/// the commit, but those that wait for somebody's word. Answers which.
///
/// # Errors
/// The database's.
pub async fn redrive<T: Unit>(tx: &mut T, jobs: &[(TenantId, JobId)]) -> DbResult<Vec<(TenantId, JobId)>> {
    let jobs: Vec<_> = jobs.iter().map(|(tenant, id)| (tenant.uuid(), id.uuid())).collect();
    let rows = dead::redrive_of_any(tx, &jobs).await?;
    let mut by_kind: BTreeMap<&str, Vec<(TenantId, JobId)>> = BTreeMap::new();
    for Changed { job: row, .. } in &rows {
        by_kind.entry(&row.kind).or_default().push((row.tenant_id.into(), row.id.into()));
    }
    for (kind, jobs) in &by_kind {
        records::redriven(tx, kind, jobs).await?;
    }
    let redriven = rows.iter().map(|row| (row.job.tenant_id.into(), row.job.id.into())).collect();
    tx.push_after_commit(rows.into_iter().filter(|row| row.due).map(|row| row.job).collect());
    Ok(redriven)
}
