//! The words for what a job waits for: one function a reason, each from what was found, none that asks.

use chrono::{DateTime, SecondsFormat, Utc};
use patchbay_db::TypedId;
use patchbay_db::ids::{JobGroupId, JobId};
use patchbay_queue::lanes::{Block, Blocker, EVERY_QUEUE, Key, Place, WorkerView};
use patchbay_queue::ledger::attempt::INTERRUPTION;
use patchbay_queue::ledger::controls::Pause;
use patchbay_queue::ledger::crash::POISON;
use patchbay_queue::ledger::dependencies::Blocker as Before;
use patchbay_queue::ledger::hold;
use patchbay_queue::ledger::view::JobView;

use super::model::{Waiting, WaitingReason};

fn because(reason: WaitingReason, detail: String, until: Option<DateTime<Utc>>) -> Waiting {
    Waiting { reason, detail, until, position: None }
}

/// An instant, for a person.
fn told(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A sentence's end, of a text that somebody else wrote.
fn said(text: &str) -> String {
    let text = text.trim_end_matches('.');
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Its time has not come, or comes again.
pub(super) fn scheduled(job: &JobView, now: DateTime<Utc>) -> Waiting {
    let tried = job.started_at.is_some();
    let is = if job.run_at > now { "is" } else { "was" };
    let (reason, detail) = if tried && job.errors + job.crashes > 0 {
        (WaitingReason::Retry, failed(job))
    } else if tried && was_given_back(job) {
        (WaitingReason::Retry, "Its worker was shut down and gave it back.".to_owned())
    } else {
        (WaitingReason::Scheduled, format!("It {is} planned for {}.", told(job.run_at)))
    };
    until_due(reason, detail, job, now)
}

/// It waits for its time; once that has come, for the keeper, which brings it into its lane.
fn until_due(reason: WaitingReason, detail: String, job: &JobView, now: DateTime<Utc>) -> Waiting {
    if job.run_at > now {
        return because(reason, detail, Some(job.run_at));
    }
    because(reason, format!("{}. It is due, and about to be put into its lane.", detail.trim_end_matches('.')), None)
}

/// How often it failed, of how often it may: errors and crashes each have their own end.
fn failed(job: &JobView) -> String {
    let errors = (job.errors > 0).then(|| format!("failed {} of {} times", job.errors, job.max_attempts));
    let crashes = (job.crashes > 0).then(|| format!("crashed {} of {POISON} times", job.crashes));
    let times: Vec<String> = errors.into_iter().chain(crashes).collect();
    let code = job.last_error.as_deref().and_then(|text| text.split(": ").next()).unwrap_or("an error");
    format!("It {}, last with {code}.", times.join(" and "))
}

/// Whether its last run was cut short. One that was put off may have got another time since.
fn was_given_back(job: &JobView) -> bool {
    let last = job.attempts.as_array().and_then(|attempts| attempts.last());
    last.is_some_and(|attempt| attempt["class"] == INTERRUPTION)
}

/// Somebody or something put it aside.
pub(super) fn held(by: Option<&str>, job: &JobView, now: DateTime<Utc>) -> Waiting {
    let reason = job.held_reason.as_deref().unwrap_or_default();
    match by {
        Some(hold::APPROVAL) => {
            because(WaitingReason::Approval, format!("It waits for an approval{}.", said(reason)), None)
        }
        Some(hold::VERSION) => {
            because(WaitingReason::NoWorker, format!("It waits for a newer worker{}.", said(reason)), None)
        }
        Some(_) => because(WaitingReason::Held, format!("It was put on hold{}.", said(reason)), None),
        None => {
            let detail = if reason.is_empty() { "It is held.".to_owned() } else { reason.to_owned() };
            if job.state == "scheduled" {
                until_due(WaitingReason::Held, detail, job, now)
            } else {
                because(WaitingReason::Held, detail, None)
            }
        }
    }
}

/// The pause of its kind was lifted just now.
pub(super) fn resumed() -> Waiting {
    let detail = "Its kind was paused and is resumed: it is put back into its lane within seconds.".to_owned();
    because(WaitingReason::Paused, detail, None)
}

/// What it has to come after.
pub(super) fn depends(blockers: &[Before]) -> Waiting {
    let Some(first) = blockers.first() else {
        // What it came after is over since its row was read.
        return because(WaitingReason::Dependency, "What it waited for is over: it is released now.".to_owned(), None);
    };
    let more = match blockers.len() - 1 {
        0 => String::new(),
        more => format!(" It waits for {more} more."),
    };
    if first.on_group {
        return because(WaitingReason::Group, format!("{}.{more}", after_group(first)), None);
    }
    let state = match first.state.as_deref() {
        Some("dead") => ", which has failed: redrive or discard that one first".to_owned(),
        Some(state) => format!(", which is {state}"),
        None => String::new(),
    };
    let detail = format!("It runs after {}{state}.{more}", JobId::from_uuid(first.on_id));
    because(WaitingReason::Dependency, detail, None)
}

/// A group, and what of it is in the way: once all of it is over, that can only be dead letters.
fn after_group(before: &Before) -> String {
    let group = JobGroupId::from_uuid(before.on_id);
    let failed = match before.failed {
        1 if !before.any_end => ", of which 1 has failed: redrive or discard that one first".to_owned(),
        failed @ 2.. if !before.any_end => format!(", of which {failed} have failed: redrive or discard those first"),
        _ => String::new(),
    };
    if before.ended {
        format!("It runs after the jobs of group {group}{failed}")
    } else {
        format!("It runs once the jobs of group {group} are over{failed}")
    }
}

/// Somebody paused it.
pub(super) fn paused(pause: &Pause) -> Waiting {
    let everywhere = pause.queue == EVERY_QUEUE;
    let what = match (pause.kind.as_deref(), pause.tenant_id, pause.lane.as_deref().filter(|lane| !lane.is_empty())) {
        (Some(kind), ..) => format!("The kind {kind}"),
        (None, Some(tenant), Some(lane)) if tenant.is_nil() => format!("Everybody's lanes under {lane}"),
        (None, Some(_), Some(lane)) => format!("The lane {lane}"),
        (None, Some(tenant), None) if !tenant.is_nil() && everywhere => "All of your work".to_owned(),
        (None, Some(tenant), None) if !tenant.is_nil() => "Your share of the queue".to_owned(),
        _ if everywhere => "Every queue".to_owned(),
        _ => "The whole queue".to_owned(),
    };
    let detail = format!("{what} was paused by {}{}.", pause.paused_by, said(&pause.reason));
    because(WaitingReason::Paused, detail, pause.until)
}

/// It is not among those that are served yet.
pub(super) fn backlog(ahead: u64) -> Waiting {
    let detail = format!("{ahead} jobs of its lane were accepted before it; it is loaded when there is room.");
    Waiting { position: Some(ahead), ..because(WaitingReason::Backlog, detail, None) }
}

/// What is in its lane's way for the longest time, if anything is. A pause that the ledger does not know was just lifted.
pub(super) fn blocked(place: &Place, now: DateTime<Utc>) -> Option<Waiting> {
    let block = place.blocks.iter().find(|block| block.by != Blocker::Paused)?;
    let until = block.until_ms.and_then(DateTime::from_timestamp_millis).filter(|until| *until > now);
    Some(Waiting { position: Some(place.position), ..words(block, until) })
}

fn words(block: &Block, until: Option<DateTime<Utc>>) -> Waiting {
    let whose = whose(&block.key);
    let then = until.map_or_else(|| "in a moment".to_owned(), |until| format!("until {}", told(until)));
    let (reason, detail) = match block.by {
        Blocker::Closed => {
            (WaitingReason::Starting, "The dispatcher has started and is being told the limits.".to_owned())
        }
        Blocker::Paused => (WaitingReason::Paused, format!("A pause of {whose} was lifted.")),
        Blocker::Penalised => (WaitingReason::Penalised, format!("The provider asked to leave {whose} alone {then}.")),
        Blocker::Hours => (WaitingReason::OutsideHours, format!("The hours of {whose} are over {then}.")),
        Blocker::Breaker => {
            (WaitingReason::BreakerOpen, format!("Too much failed for {whose}: it is left alone {then}."))
        }
        Blocker::Rate { per_second, .. } => {
            (WaitingReason::RateLimited, format!("The rate of {whose} ({per_second} a second) is used up {then}."))
        }
        Blocker::Concurrency { limit: 0, .. } => {
            (WaitingReason::Concurrency, format!("It is being counted how many jobs of {whose} run."))
        }
        Blocker::Concurrency { limit, running } => {
            (WaitingReason::Concurrency, format!("{running} jobs of {whose} run, and {limit} may at a time."))
        }
    };
    because(reason, detail, until)
}

fn whose(key: &Key) -> String {
    match key {
        Key::Queue => "the whole queue".to_owned(),
        Key::Kind(kind) => format!("the kind {kind}"),
        Key::Tenant => "your share".to_owned(),
        Key::Lane(lane) => format!("the lane {lane}"),
        Key::Shared(lane) => format!("everybody's lanes under {lane}"),
    }
}

/// Nobody comes round to it.
pub(super) fn unserved(workers: &[WorkerView], job: &JobView) -> Option<Waiting> {
    let serving = || {
        let queues = workers.iter().filter(|worker| !worker.draining).flat_map(|worker| &worker.queues);
        queues.filter(|served| served.queue == job.queue && served.concurrency > 0)
    };
    let detail = if serving().next().is_none() {
        format!("No worker serves the queue {} now.", job.queue)
    } else if !serving().any(|served| served.kinds.get(&job.kind).is_some_and(|newest| *newest >= job.version)) {
        format!("No worker here knows the kind {} in version {}.", job.kind, job.version)
    } else {
        return None;
    };
    Some(because(WaitingReason::NoWorker, detail, None))
}

/// Its turn has not come.
pub(super) fn in_turn(place: &Place) -> Waiting {
    let before = place.position;
    let tenants = match place.tenants_ahead {
        None | Some(0) => String::new(),
        Some(tenants) => format!(", and {tenants} tenants are served before its own"),
    };
    let detail = format!("{before} jobs of its lane are before it{tenants}.");
    Waiting { position: Some(before), ..because(WaitingReason::InTurn, detail, None) }
}

/// Nobody can say.
pub(super) fn unknown() -> Waiting {
    let detail = "The dispatcher does not answer now; the job is safe in the ledger.".to_owned();
    because(WaitingReason::Unknown, detail, None)
}
