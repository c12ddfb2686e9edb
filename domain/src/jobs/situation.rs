//! Where a job is at this moment, and why it does not run: an answer for every job that waits.
//!
//! The ledger says what was decided (pauses, rates, planned times), Redis what is going on (who runs it, its place,
//! from when its lane may be served). A pause is taken from the ledger only: it is in force there at once, and over
//! at its instant, while the copy in Redis may be seconds behind. Redis is asked between two transactions, never
//! inside one: a stalled Redis must not hold a connection.

use chrono::{DateTime, SecondsFormat, Utc};
use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbResult, TypedId};
use patchbay_queue::LaneName;
use patchbay_queue::lanes::{RateLimit, Waiting as Place};
use patchbay_queue::ledger::controls::{self, Pause};
use patchbay_queue::ledger::depth;
use patchbay_queue::ledger::view::JobView;

use super::model::{JobStatus, Waiting, WaitingReason};

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
    let row = JobStatus::of(job, job.running_since.is_some());
    if job.state != "waiting" {
        return Ok(Situation { status: row, waiting: put_off(row, job) });
    }
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    let place = match db.dispatcher().lanes().explain(&job.queue, job.id, &lane).await {
        Ok(Place::Running { .. }) => return Ok(Situation { status: JobStatus::Running, waiting: None }),
        Ok(place) => place,
        Err(error) => {
            tracing::warn!(%error, "a waiting job could not be looked up in its lane");
            let waiting = (row == JobStatus::Queued).then(unknown);
            return Ok(Situation { status: row, waiting });
        }
    };
    let mut tx = db.begin_read(TenantId::from_uuid(job.tenant_id)).await?;
    let pauses = controls::pauses(&mut tx, Some(&job.queue)).await?;
    let rates = controls::limits(&mut tx, &job.queue).await?;
    let ahead = if place == Place::Elsewhere { Some(depth::ahead(&mut tx, job).await?) } else { None };
    tx.commit().await?;
    let pause = pauses.iter().filter(|pause| covers(pause, job)).max_by_key(|pause| pause.until.is_none());
    let waiting = match pause {
        Some(pause) => paused(pause),
        None => queued(&place, &rates, &lane, ahead.map_or(0, |ahead| ahead.due.unsigned_abs()), now),
    };
    Ok(Situation { status: JobStatus::Queued, waiting: Some(waiting) })
}

/// What a job waits for that is not due.
fn put_off(status: JobStatus, job: &JobView) -> Option<Waiting> {
    let reason = job.held_reason.as_deref();
    let (reason, detail, until) = match status {
        JobStatus::Held => {
            let until = (job.state == "scheduled").then_some(job.run_at);
            (WaitingReason::Held, reason.unwrap_or("It is held.").to_owned(), until)
        }
        JobStatus::Scheduled if job.started_at.is_none() => {
            (WaitingReason::Scheduled, format!("It is planned for {}.", told(job.run_at)), Some(job.run_at))
        }
        JobStatus::Scheduled if job.errors + job.crashes > 0 => {
            let code = job.last_error.as_deref().and_then(|text| text.split(": ").next()).unwrap_or("an error");
            let detail = format!("It failed {} of {} times, last with {code}.", job.errors, job.max_attempts);
            (WaitingReason::Retry, detail, Some(job.run_at))
        }
        JobStatus::Scheduled => {
            (WaitingReason::Retry, "Its worker was shut down and gave it back.".to_owned(), Some(job.run_at))
        }
        _ => return None,
    };
    Some(Waiting { reason, detail, until, position: None })
}

fn covers(pause: &Pause, job: &JobView) -> bool {
    pause.tenant_id.is_none_or(|tenant| tenant == job.tenant_id)
        && pause.lane.as_ref().is_none_or(|lane| lane.is_empty() || *lane == job.lane)
}

fn paused(pause: &Pause) -> Waiting {
    let what = match (pause.tenant_id, pause.lane.as_deref()) {
        (None, _) => "The whole queue".to_owned(),
        (Some(_), None | Some("")) => "Your share of the queue".to_owned(),
        (Some(_), Some(lane)) => format!("The lane {lane}"),
    };
    let reason = pause.reason.trim_end_matches('.');
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let detail = format!("{what} was paused by {}{why}.", pause.paused_by);
    Waiting { reason: WaitingReason::Paused, detail, until: pause.until, position: None }
}

fn queued(place: &Place, rates: &[RateLimit], lane: &LaneName, ahead: u64, now: DateTime<Utc>) -> Waiting {
    let later = |at: Option<i64>| at.and_then(DateTime::from_timestamp_millis).filter(|at| *at > now);
    let Place::InLane { position: before, eligible_at_ms, penalised_until_ms, .. } = *place else {
        let detail = format!("{ahead} jobs of its lane were accepted before it; it is loaded when there is room.");
        return Waiting { reason: WaitingReason::Backlog, detail, until: None, position: Some(ahead) };
    };
    let position = Some(before);
    if let Some(until) = later(penalised_until_ms) {
        let detail = format!("The provider asked to be left alone until {}.", told(until));
        return Waiting { reason: WaitingReason::Penalised, detail, until: Some(until), position };
    }
    // Without a rate, a time in the future is what a pause left that was just lifted.
    let rate =
        rates.iter().find(|rate| rate.lane == *lane).or_else(|| rates.iter().find(|rate| rate.lane.lane.is_empty()));
    if let (Some(until), Some(rate)) = (later(eligible_at_ms), rate) {
        let whose =
            if rate.lane.lane.is_empty() { "your share".to_owned() } else { format!("the lane {}", rate.lane.lane) };
        let detail =
            format!("The rate of {whose} ({} a second) is used up until {}.", rate.rate_per_second, told(until));
        return Waiting { reason: WaitingReason::RateLimited, detail, until: Some(until), position };
    }
    let detail = format!("{before} jobs of its lane are before it.");
    Waiting { reason: WaitingReason::InTurn, detail, until: None, position }
}

fn unknown() -> Waiting {
    let detail = "The dispatcher does not answer now; the job is safe in the ledger.".to_owned();
    Waiting { reason: WaitingReason::Unknown, detail, until: None, position: None }
}

fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
