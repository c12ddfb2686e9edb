//! Putting a job on hold, and letting it go: an operator's doubt, or somebody's approval.
//!
//! Redis first, then the ledger, then Redis again, as in [`cancel`](super::cancel): what is taken out and not written
//! down is put back by repair, and what repair put back in between is taken out once more.

use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::lanes::When;
use patchbay_queue::ledger::hold;
use patchbay_queue::ledger::view::JobView;
use patchbay_queue::{LaneName, Lanes};

/// What came of a wish to hold or to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done.
    Done,
    /// A worker has the job: it cannot be held any more.
    Running,
    /// It waits for other jobs, and goes on with that.
    Depends,
    /// The job is not where this would mean anything: it has ended, or it is not held.
    Nothing,
}

/// Holds `job`; call [`sweep`] after the commit.
///
/// # Errors
/// The database's; `Unavailable` where Redis cannot say whether it runs.
pub async fn hold(tx: &mut Tx, lanes: &Lanes, job: &JobView, reason: &str) -> DbResult<Done> {
    if job.held_by.as_deref() == Some(hold::DEPENDENCY) {
        return Ok(Done::Depends);
    }
    if job.state == "held" {
        return Ok(Done::Nothing);
    }
    if take_out(lanes, job, When::BeforeCommit).await? {
        return Ok(Done::Running);
    }
    let held = hold::hold(tx, job.tenant_id, &[job.id], hold::OPERATOR, reason).await?;
    Ok(if held.is_empty() { Done::Nothing } else { Done::Done })
}

/// Takes a held job out of its lane where it came back meanwhile. Where that fails it may run although it is held: its end
/// then changes nothing, and the next keeper finds it.
pub async fn sweep(lanes: &Lanes, job: &JobView) {
    if let Err(error) = take_out(lanes, job, When::AfterCommit).await {
        tracing::warn!(job = %job.id, %error, "a held job may be in its lane still");
    }
}

/// Lets a held `job` go, whoever holds it: for an approval, this is it. It is pushed after the commit.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut Tx, job: &JobView) -> DbResult<Done> {
    if job.held_by.as_deref() == Some(hold::DEPENDENCY) {
        return Ok(Done::Depends);
    }
    if job.state != "held" {
        return Ok(Done::Nothing);
    }
    let due = hold::release(tx, job.tenant_id, &[job.id]).await?;
    tx.push_after_commit(due);
    Ok(Done::Done)
}

/// Whether a worker has it.
async fn take_out(lanes: &Lanes, job: &JobView, when: When) -> DbResult<bool> {
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    let running = lanes.hold_back(&job.queue, &[(job.id, lane)], when).await;
    let running = running.map_err(|error| DbError::Unavailable(error.into()))?;
    Ok(running.into_iter().any(|running| running))
}
