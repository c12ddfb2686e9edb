//! What jobs look like on the wire.

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::{
    TypedId,
    ids::{JobId, TenantId},
};
use patchbay_domain::jobs::{
    self as domain,
    situation::Situation,
    told::{self, Asked},
};
use patchbay_queue::ledger::view::JobView;
use patchbay_service::config::RetentionConfig;
use poem_openapi::{Enum, Object, types::Example};
use serde_json::Value;

use super::links;
use crate::http::{Id, Time};

macro_rules! wire_words {
    ($(#[doc = $doc:literal])+ $name:ident of $of:path { $($(#[doc = $item:literal])+ $variant:ident),+ $(,)? }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        #[oai(rename_all = "snake_case")]
        pub enum $name { $($(#[doc = $item])+ $variant),+ }

        impl From<$of> for $name {
            fn from(word: $of) -> Self {
                match word { $(<$of>::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $of {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}

wire_words! {
    /// Where a job stands.
    JobStatus of domain::JobStatus {
        /// Due, and waiting for a worker.
        Queued,
        /// Not due yet, or tried again later.
        Scheduled,
        /// A worker has it.
        Running,
        /// Put off for a reason outside of it.
        Held,
        /// Done.
        Succeeded,
        /// Given up: a dead letter, or one that was discarded.
        Failed,
        /// Stopped by somebody.
        Cancelled,
    }
}

wire_words! {
    /// Why a job does not run at this moment.
    JobWaitingReason of domain::WaitingReason {
        /// Its time has not come.
        Scheduled,
        /// An attempt failed, or was interrupted; it is tried again then.
        Retry,
        /// It was put off for a reason, or somebody has put it on hold.
        Held,
        /// Somebody has to approve it.
        Approval,
        /// Another job has to be over first.
        Dependency,
        /// All jobs of a group have to be over first.
        Group,
        /// No worker that runs now serves its queue, or knows its kind.
        NoWorker,
        /// The queue, its kind, the tenant's share or the lane is paused.
        Paused,
        /// The provider asked to be left alone for a while.
        Penalised,
        /// What it leads to fails, and is left alone for a while.
        BreakerOpen,
        /// It is outside of the hours in which it may start.
        OutsideHours,
        /// A rate is used up.
        RateLimited,
        /// As many run as may run at a time.
        Concurrency,
        /// Its turn has not come.
        InTurn,
        /// It waits in the ledger until there is room among the jobs that are served.
        Backlog,
        /// The dispatcher has started and is being told the limits.
        Starting,
        /// The dispatcher cannot be asked.
        Unknown,
    }
}

/// What a job waits for.
#[derive(Debug, Object)]
pub struct JobWaiting {
    /// As a stable name.
    pub reason: JobWaitingReason,
    /// For a person.
    pub detail: String,
    /// Until when, where that is known.
    pub until: Option<Time>,
    /// Jobs before it in its lane, where it waits for its turn.
    pub position: Option<u64>,
}

/// How far a job has come. `total` is `succeeded + failed + skipped + held`, and what is pending.
#[derive(Debug, Object)]
pub struct JobProgress {
    /// Things to work through; 0 where it is one thing or not known yet.
    pub total: u32,
    /// Those that have an end: succeeded, failed and skipped.
    pub processed: u32,
    /// Done.
    pub succeeded: u32,
    /// Failed for good.
    pub failed: u32,
    /// Left out on purpose.
    pub skipped: u32,
    /// Waiting for something outside the job.
    pub held: u32,
}

/// A failed attempt.
#[derive(Debug, Object)]
pub struct JobAttempt {
    /// When it ended.
    pub at: Time,
    /// The worker that ran it; for the system key only.
    pub worker: Option<String>,
    /// How long it ran, in milliseconds.
    pub duration_ms: Option<i64>,
    /// `permanent`, `retryable`, `unknown` or `crash`; of those that cost no attempt `throttled`, `interruption` (its worker was
    /// stopped) or `snooze` (it put itself off).
    pub class: String,
    /// The error as a stable name.
    pub code: String,
    /// The error for a person.
    pub detail: String,
    /// How many of this class and code followed each other, this the last of them. Only those that cost no attempt are counted
    /// together.
    pub times: i32,
}

impl From<told::Attempt> for JobAttempt {
    fn from(attempt: told::Attempt) -> Self {
        let told::Attempt { at, worker, duration_ms, class, code, detail, times } = attempt;
        Self { at: Time(at), worker, duration_ms, class, code, detail, times }
    }
}

/// A job.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Job {
    /// Its id.
    pub id: Id<JobId>,
    /// Whose it is.
    pub tenant_id: Id<TenantId>,
    /// What it does.
    pub kind: String,
    /// The queue it waits in.
    pub queue: String,
    /// The lane inside the tenant's share, such as a sender; empty for the tenant's own.
    pub lane: String,
    /// Where it stands. In lists a job counts as running once it has run for a second.
    pub status: JobStatus,
    /// How far it has come.
    pub progress: JobProgress,
    /// Why it is held.
    pub held_reason: Option<String>,
    /// What holds it: `approval`, `operator`, `kind_pause` (its kind is paused), `version` (no worker knows it yet) or
    /// `dependency` (other jobs come first).
    pub held_by: Option<String>,
    /// Why it does not run now. Not in lists.
    pub waiting: Option<JobWaiting>,
    /// Its attempts that did not end it well, oldest first: each failed one (of a job that is retried again and again, the last
    /// hundred entries). Not in lists.
    pub attempts: Option<Vec<JobAttempt>>,
    /// Attempts that ended in an error; at `max_attempts` it has failed.
    pub errors: u32,
    /// Attempts that ended with their worker, or in a panic; at three it has failed.
    pub crashes: u32,
    /// Attempts that were given back because a worker was shut down; they cost nothing.
    pub interruptions: u32,
    /// Errors that it may meet before it has failed.
    pub max_attempts: u32,
    /// The last error as a stable name.
    pub error_code: Option<String>,
    /// Whether it failed and was then discarded: it cannot be retried any more.
    pub discarded: bool,
    /// What it leaves behind; small.
    pub result: Option<Value>,
    /// Where to read what came out.
    pub result_url: Option<String>,
    /// Where to read what went wrong.
    pub errors_url: Option<String>,
    /// The id of the record it is about.
    pub subject: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// Grows with each change; the `id` of the job's events.
    pub revision: i64,
    /// When it was accepted.
    pub created_at: Time,
    /// Not before.
    pub run_at: Time,
    /// Not after: it fails instead of running late.
    pub not_after: Option<Time>,
    /// When its last attempt began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// When somebody asked to cancel it.
    pub cancel_requested_at: Option<Time>,
    /// When it may be removed; only once it has ended.
    pub expires_at: Option<Time>,
}

impl Job {
    /// The wire form in a list.
    pub fn listed(job: JobView, asked: Asked, kept: &RetentionConfig) -> Self {
        let running = job.running_since.is_some();
        let status = domain::JobStatus::of(&job, running);
        Self { attempts: None, ..Self::of(job, Situation { status, waiting: None }, asked, kept) }
    }

    /// The wire form of one job.
    pub fn of(job: JobView, situation: Situation, asked: Asked, kept: &RetentionConfig) -> Self {
        let (result_url, errors_url) = links::of(&job);
        let progress = job.progress();
        Self {
            id: Id(JobId::from_uuid(job.id)),
            tenant_id: Id(TenantId::from_uuid(job.tenant_id)),
            status: situation.status.into(),
            progress: JobProgress {
                total: progress.total.unsigned_abs(),
                processed: (progress.succeeded + progress.failed + progress.skipped).unsigned_abs(),
                succeeded: progress.succeeded.unsigned_abs(),
                failed: progress.failed.unsigned_abs(),
                skipped: progress.skipped.unsigned_abs(),
                held: progress.held.unsigned_abs(),
            },
            waiting: situation.waiting.map(|waiting| JobWaiting {
                reason: waiting.reason.into(),
                detail: waiting.detail,
                until: waiting.until.map(Time),
                position: waiting.position,
            }),
            attempts: Some(told::attempts(asked, &job).into_iter().map(JobAttempt::from).collect()),
            errors: u32::from(job.errors.unsigned_abs()),
            crashes: u32::from(job.crashes.unsigned_abs()),
            interruptions: job.interruptions.unsigned_abs(),
            max_attempts: u32::from(job.max_attempts.unsigned_abs()),
            error_code: told::last_error(asked, &job).map(|(code, _)| code),
            discarded: job.state == "discarded",
            result_url,
            errors_url,
            expires_at: expiry(&job, kept).map(Time),
            kind: job.kind,
            queue: job.queue,
            lane: job.lane,
            held_reason: job.held_reason,
            held_by: job.held_by,
            result: job.result,
            subject: job.subject,
            request_id: job.request_id,
            revision: job.revision,
            created_at: Time(job.created_at),
            run_at: Time(job.run_at),
            not_after: job.not_after.map(Time),
            started_at: job.running_since.or(job.started_at).map(Time),
            finished_at: job.finished_at.map(Time),
            cancel_requested_at: job.cancel_requested_at.map(Time),
        }
    }
}

/// Retention goes by the day on which a job ended.
pub(crate) fn expiry(job: &JobView, kept: &RetentionConfig) -> Option<DateTime<Utc>> {
    let kept = if job.state == "dead" { kept.dead_letters } else { kept.jobs };
    let ended = job.finished_at.unwrap_or(job.created_at);
    job.is_over().then(|| ended.checked_add_signed(TimeDelta::from_std(kept).ok()?)).flatten()
}

impl Example for Job {
    fn example() -> Self {
        let at = Time::example();
        Self {
            id: Id::example(),
            tenant_id: Id::example(),
            kind: "imports.leads".to_owned(),
            queue: "imports".to_owned(),
            lane: String::new(),
            status: JobStatus::Running,
            progress: JobProgress { total: 500, processed: 200, succeeded: 190, failed: 4, skipped: 6, held: 0 },
            held_reason: None,
            held_by: None,
            waiting: None,
            attempts: Some(Vec::new()),
            errors: 0,
            crashes: 0,
            interruptions: 0,
            max_attempts: 8,
            error_code: None,
            discarded: false,
            result: None,
            result_url: Some("/v1/imports/imp_01h455vb4pex5vsknk084sn02q".to_owned()),
            errors_url: Some("/v1/imports/imp_01h455vb4pex5vsknk084sn02q/errors".to_owned()),
            subject: Some("imp_01h455vb4pex5vsknk084sn02q".to_owned()),
            request_id: Some("order-42".to_owned()),
            revision: 7,
            created_at: at,
            run_at: at,
            not_after: None,
            started_at: Some(at),
            finished_at: None,
            cancel_requested_at: None,
            expires_at: None,
        }
    }
}
