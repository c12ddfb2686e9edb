//! Cancelling a job: at once while it waits, by asking its worker while it runs.
//!
//! Redis first, then the ledger, then Redis again. A job that is taken out of its lane and not written down is put
//! back by repair; the other way round it would run although it was cancelled. And because repair may put it back
//! between the two, it is taken out once more after the commit.

use patchbay_db::ids::JobId;
use patchbay_db::{DbError, DbResult, Tx, TypedId};
use patchbay_queue::ledger::{cancel as ledger, view::JobView};
use patchbay_queue::{LaneName, Lanes};

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

/// Cancels `job`; call [`sweep`] after the commit.
///
/// # Errors
/// The database's; `Unavailable` where Redis cannot say whether it runs.
pub async fn cancel(tx: &mut Tx, lanes: &Lanes, cause: &Cause<'_>, job: &JobView) -> DbResult<Cancelled> {
    let running = take_out(lanes, job).await?;
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

/// Takes a cancelled job out of its lane where it came back meanwhile. A failure is harmless: it would be run
/// for nothing.
pub async fn sweep(lanes: &Lanes, job: &JobView) {
    if let Err(error) = take_out(lanes, job).await {
        tracing::debug!(job = %job.id, %error, "a cancelled job may be in its lane still");
    }
}

/// Whether a worker has it.
async fn take_out(lanes: &Lanes, job: &JobView) -> DbResult<bool> {
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    let running = lanes.drop_or_cancel(&job.queue, &[(job.id, lane)]).await;
    let running = running.map_err(|error| DbError::Unavailable(error.into()))?;
    Ok(running.into_iter().any(|running| running))
}
