//! Dead letters that nobody will redrive are put away; their records stay as they failed.

use diesel_async::AsyncPgConnection;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{DbResult, TypedId};
use patchbay_queue::ledger::dead;

/// Puts away those of `jobs` (whose, and which) that are dead letters. Answers which.
///
/// # Errors
/// The database's.
pub async fn discard(conn: &mut AsyncPgConnection, jobs: &[(TenantId, JobId)]) -> DbResult<Vec<(TenantId, JobId)>> {
    let jobs: Vec<_> = jobs.iter().map(|(tenant, id)| (tenant.uuid(), id.uuid())).collect();
    let rows = dead::discard_of_any(conn, &jobs).await?;
    Ok(rows.iter().map(|row| (row.tenant_id.into(), row.id.into())).collect())
}
