//! Cancelling a job: at once while it waits, by asking its worker while it runs.
//!
//! Redis first, then the ledger, then Redis again. A job that is taken out of its lane and not written down is put
//! back by repair; the other way round it would run although it was cancelled. And because a push may have been under way
//! meanwhile, it is taken out once more after the commit, and kept out.

use patchbay_db::ids::JobId;
use patchbay_db::{DbError, DbResult, Tx, TypedId};
use patchbay_queue::lanes::When;
use patchbay_queue::ledger::{cancel as ledger, view::JobView};
use patchbay_queue::{LaneName, Lanes};
use uuid::Uuid;

use super::records;
use crate::events::Cause;

/// What came of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It will not run, and its records know.
    Done,
    /// A worker has it, and was asked to stop.
    Asked,
    /// It had ended already.
    TooLate,
}

/// Cancels `job`; call [`sweep`] after the commit where it is done.
///
/// # Errors
/// The database's; `Unavailable` where Redis cannot say whether it runs.
pub async fn cancel(tx: &mut Tx, lanes: &Lanes, cause: &Cause<'_>, job: &JobView) -> DbResult<Cancelled> {
    let running = lanes.drop_or_cancel(&job.queue, &[place(job)], When::BeforeCommit).await;
    let running = running.map_err(|error| DbError::Unavailable(error.into()))?.contains(&true);
    let state = ledger::cancel(tx, job.tenant_id, job.id, running).await?;
    match state.as_deref() {
        None => Ok(Cancelled::TooLate),
        Some("cancelled") => {
            let id = JobId::from_uuid(job.id);
            records::cancelled(tx, cause, &job.kind, id, job.subject.as_deref()).await?;
            Ok(Cancelled::Done)
        }
        Some(_) => Ok(Cancelled::Asked),
    }
}

/// Keeps a job out of its lane that is cancelled now. A failure is harmless: it would be run for nothing.
pub async fn sweep(lanes: &Lanes, job: &JobView) {
    if let Err(error) = lanes.drop_or_cancel(&job.queue, &[place(job)], When::AfterCommit).await {
        tracing::debug!(job = %job.id, %error, "a cancelled job may be in its lane still");
    }
}

/// Which it is, and where.
fn place(job: &JobView) -> (Uuid, LaneName) {
    (job.id, LaneName { tenant: job.tenant_id, lane: job.lane.clone() })
}
