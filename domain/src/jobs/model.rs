//! The words for where a job stands.

use chrono::{DateTime, Utc};
use patchbay_queue::ledger::list::JobFilter;
use patchbay_queue::ledger::view::JobView;

use crate::words::words;

words! {
    /// Where a job stands.
    JobStatus {
        /// Due, and waiting for a worker.
        Queued = "queued",
        /// Not due yet, or tried again later.
        Scheduled = "scheduled",
        /// A worker has it.
        Running = "running",
        /// Put off for a reason outside of it.
        Held = "held",
        /// Done.
        Succeeded = "succeeded",
        /// Given up: a dead letter, or one that was discarded.
        Failed = "failed",
        /// Stopped by somebody.
        Cancelled = "cancelled",
    }
}

words! {
    /// Why a job does not run at this moment.
    WaitingReason {
        /// Its time has not come.
        Scheduled = "scheduled",
        /// An attempt failed, or was interrupted; it is tried again then.
        Retry = "retry",
        /// It was put off for a reason, or somebody has put it on hold.
        Held = "held",
        /// Somebody has to approve it.
        Approval = "approval",
        /// Another job has to be over first.
        Dependency = "dependency",
        /// All jobs of a group have to be over first.
        Group = "group",
        /// No worker that runs now serves its queue, or knows its kind.
        NoWorker = "no_worker",
        /// The queue, its kind, the tenant's share or the lane is paused.
        Paused = "paused",
        /// The provider asked to be left alone for a while.
        Penalised = "penalised",
        /// What it leads to fails, and is left alone for a while.
        BreakerOpen = "breaker_open",
        /// It is outside of the hours in which it may start.
        OutsideHours = "outside_hours",
        /// A rate is used up.
        RateLimited = "rate_limited",
        /// As many run as may run at a time.
        Concurrency = "concurrency",
        /// Its turn has not come.
        InTurn = "in_turn",
        /// It waits in the ledger until there is room among the jobs that are served.
        Backlog = "backlog",
        /// The dispatcher has started and is being told the limits.
        Starting = "starting",
        /// The dispatcher cannot be asked.
        Unknown = "unknown",
    }
}

/// What a job waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// As a word.
    pub reason: WaitingReason,
    /// For a person.
    pub detail: String,
    /// Until when, where that is known.
    pub until: Option<DateTime<Utc>>,
    /// Jobs before it in its lane, where that is what it waits for.
    pub position: Option<u64>,
}

impl JobStatus {
    /// The status of a job in the ledger; whether a worker has it is known better by Redis.
    #[must_use]
    pub fn of(job: &JobView, running: bool) -> Self {
        match job.state.as_str() {
            "waiting" if running => Self::Running,
            "waiting" => Self::Queued,
            "scheduled" if job.held_reason.is_none() => Self::Scheduled,
            "succeeded" => Self::Succeeded,
            "dead" | "discarded" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => Self::Held,
        }
    }

    /// Narrows `filter` to jobs that the ledger shows with this status.
    pub(super) fn narrow(self, filter: &mut JobFilter) {
        let states: &[&str] = match self {
            Self::Queued | Self::Running => &["waiting"],
            Self::Scheduled => &["scheduled"],
            Self::Held => &["held", "scheduled"],
            Self::Succeeded => &["succeeded"],
            Self::Failed => &["dead", "discarded"],
            Self::Cancelled => &["cancelled"],
        };
        filter.states = states.iter().map(|state| (*state).to_owned()).collect();
        filter.running = match self {
            Self::Queued => Some(false),
            Self::Running => Some(true),
            _ => None,
        };
        filter.held = match self {
            Self::Scheduled => Some(false),
            Self::Held => Some(true),
            _ => None,
        };
    }
}

/// An instant that a job's id can hold (48 bits of milliseconds since 1970): no job is older or younger than that, so a
/// filter means the same.
pub(super) fn storable(at: DateTime<Utc>) -> DateTime<Utc> {
    let last = DateTime::from_timestamp_millis((1 << 48) - 1).expect("an instant of the year 10889");
    at.clamp(DateTime::UNIX_EPOCH, last)
}
