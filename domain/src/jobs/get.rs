//! One job.

use patchbay_db::ids::JobId;
use patchbay_db::{DbResult, Tx, TypedId};
use patchbay_queue::ledger::view::{self, JobView};

/// The job `id`; none where the tenant has no such job.
///
/// # Errors
/// The database's.
pub async fn get(tx: &mut Tx, id: JobId) -> DbResult<Option<JobView>> {
    let tenant = tx.tenant().uuid();
    Ok(view::get(tx, tenant, id.uuid()).await?)
}
