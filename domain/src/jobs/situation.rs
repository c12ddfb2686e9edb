//! Where a job is at this moment, and why it does not run: an answer for every job that waits.
//!
//! The ledger says what was decided (pauses, holds, planned times, what it depends on), Redis what is going on (who runs
//! it, its place, what is in its lane's way). A pause is taken from the ledger only: it is in force there at once, and
//! over at its instant, while the copy in Redis may be seconds behind. Redis is asked between two transactions, never
//! inside one: a stalled Redis must not hold a connection.

use chrono::{DateTime, Utc};
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbResult, TypedId};
use patchbay_queue::LaneName;
use patchbay_queue::lanes::{Place, Waiting as Dispatched};
use patchbay_queue::ledger::controls;
use patchbay_queue::ledger::view::JobView;
use patchbay_queue::ledger::{dependencies, depth, hold};

use super::model::{JobStatus, Waiting};
use super::why;

/// What is to be said about a job beyond its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// Where it stands.
    pub status: JobStatus,
    /// What it waits for, if it does.
    pub waiting: Option<Waiting>,
}

/// The situation of `job`, whose tenant has asked.
///
/// # Errors
/// The database's. A Redis that does not answer is part of the answer.
pub async fn situation(db: &Db, job: &JobView, now: DateTime<Utc>) -> DbResult<Situation> {
    if job.state != "waiting" {
        return put_off(db, job, now).await;
    }
    let row = JobStatus::of(job, job.running_since.is_some());
    let lane = lane(job);
    let (mut place, in_lane) = match db.dispatcher().lanes().explain(&job.queue, job.id, &lane).await {
        Ok(Dispatched::Running { .. }) => return Ok(Situation { status: JobStatus::Running, waiting: None }),
        Ok(Dispatched::InLane(place)) => (place, true),
        Ok(Dispatched::Elsewhere { blocks }) => (Place { position: 0, blocks, tenants_ahead: None }, false),
        Err(error) => {
            tracing::warn!(%error, "a waiting job could not be looked up in its lane");
            let waiting = (row == JobStatus::Queued).then(why::unknown);
            return Ok(Situation { status: row, waiting });
        }
    };
    let mut tx = db.begin_read(TenantId::from_uuid(job.tenant_id)).await?;
    let pause = controls::longest_pause(&mut tx, &job.queue, &job.kind, &lane).await?;
    if !in_lane {
        place.position = depth::ahead(&mut tx, job).await?.due.unsigned_abs();
    }
    tx.commit().await?;
    let waiting = match &pause {
        Some(pause) => why::paused(pause),
        None => match in_the_way(db, job, &place, now).await {
            Some(waiting) => waiting,
            None if in_lane => why::in_turn(&place),
            None => why::backlog(place.position),
        },
    };
    Ok(Situation { status: JobStatus::Queued, waiting: Some(waiting) })
}

fn lane(job: &JobView) -> LaneName {
    LaneName { tenant: job.tenant_id, lane: job.lane.clone() }
}

/// What is in the way of a job that nobody paused, be it in Redis or beyond its lane's window; nothing: it waits its turn.
async fn in_the_way(db: &Db, job: &JobView, place: &Place, now: DateTime<Utc>) -> Option<Waiting> {
    if let Some(waiting) = why::blocked(place, now) {
        return Some(waiting);
    }
    // A turn comes only where there is somebody to come round.
    match db.dispatcher().lanes().workers().await {
        Ok(workers) => why::unserved(&workers, job),
        Err(error) => {
            tracing::warn!(%error, "the workers could not be looked up");
            None
        }
    }
}

/// What a job waits for that was not due when it was last looked at.
async fn put_off(db: &Db, job: &JobView, now: DateTime<Utc>) -> DbResult<Situation> {
    let status = JobStatus::of(job, false);
    let waiting = match (status, job.held_by.as_deref()) {
        (JobStatus::Held, Some(hold::DEPENDENCY)) => {
            let mut tx = db.begin_read(TenantId::from_uuid(job.tenant_id)).await?;
            let blockers = dependencies::waits_on(&mut tx, job.tenant_id, job.id).await?;
            tx.commit().await?;
            Some(why::depends(&blockers))
        }
        (JobStatus::Held, Some(hold::KIND_PAUSE)) => {
            let mut tx = db.begin_read(TenantId::from_uuid(job.tenant_id)).await?;
            let pause = controls::longest_pause(&mut tx, &job.queue, &job.kind, &lane(job)).await?;
            tx.commit().await?;
            Some(pause.as_ref().map_or_else(why::resumed, why::paused))
        }
        (JobStatus::Held, by) => Some(why::held(by, job, now)),
        (JobStatus::Scheduled, _) => Some(why::scheduled(job, now)),
        _ => None,
    };
    Ok(Situation { status, waiting })
}
