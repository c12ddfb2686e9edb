//! What dead letters look like on the wire.

use patchbay_db::{
    TypedId,
    ids::{JobGroupId, JobId, TenantId},
};
use patchbay_domain::jobs::{
    dead_letters::Filter,
    told::{self, Asked},
};
use patchbay_queue::ledger::view::JobView;
use patchbay_service::config::RetentionConfig;
use poem_openapi::{Enum, Object, types::Example};
use serde_json::Value;

use crate::{
    http::{Id, Time},
    jobs::dto::{JobAttempt, expiry},
};

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Trying again could not help.
    Permanent,
    /// It was tried until the budget was used up.
    Retryable,
    /// It may or may not have happened; tried until the budget was used up.
    Unknown,
    /// It brought down its worker, three times.
    Crash,
}

impl ErrorClass {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Permanent, "permanent"),
        (Self::Retryable, "retryable"),
        (Self::Unknown, "unknown"),
        (Self::Crash, "crash"),
    ];

    /// The class as the ledger names it.
    pub fn stored(self) -> String {
        Self::ALL.iter().find(|(class, _)| *class == self).map(|(_, name)| (*name).to_owned()).unwrap_or_default()
    }

    fn read(name: Option<&str>) -> Self {
        Self::ALL.iter().find(|(_, known)| Some(*known) == name).map_or(Self::Retryable, |(class, _)| *class)
    }
}

/// Why a job gave up.
#[derive(Debug, Object)]
pub struct DeadLetterError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// The error as a stable name.
    pub code: String,
    /// The error for a person.
    pub detail: String,
}

/// A job that gave up.
#[derive(Debug, Object)]
#[oai(example)]
pub struct DeadLetter {
    /// The job's id.
    pub id: Id<JobId>,
    /// Whose it is.
    pub tenant_id: Id<TenantId>,
    /// What it was to do.
    pub kind: String,
    /// The queue it waited in.
    pub queue: String,
    /// The lane inside the tenant's share.
    pub lane: String,
    /// The group it is counted in.
    pub group_id: Option<Id<JobGroupId>>,
    /// The id of the record it is about.
    pub subject: Option<String>,
    /// Why it gave up.
    pub error: DeadLetterError,
    /// Attempts that ended in an error.
    pub errors: u32,
    /// Attempts that ended with their worker, or in a panic.
    pub crashes: u32,
    /// Its attempts that did not end it well, oldest first: each failed one (of a job that is retried again and again, the last
    /// hundred entries). Not in lists.
    pub attempts: Option<Vec<JobAttempt>>,
    /// What it was given, where that holds no secret. Not in lists.
    pub payload: Option<Value>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// When it was accepted.
    pub created_at: Time,
    /// When it gave up.
    pub failed_at: Time,
    /// When it may be removed.
    pub expires_at: Option<Time>,
}

impl DeadLetter {
    /// The wire form in a list.
    pub fn listed(job: JobView, asked: Asked, kept: &RetentionConfig) -> Self {
        let (code, detail) = told::last_error(asked, &job).unwrap_or_default();
        Self {
            id: Id(JobId::from_uuid(job.id)),
            tenant_id: Id(TenantId::from_uuid(job.tenant_id)),
            expires_at: expiry(&job, kept).map(Time),
            error: DeadLetterError { class: ErrorClass::read(job.error_class.as_deref()), code, detail },
            kind: job.kind,
            queue: job.queue,
            lane: job.lane,
            group_id: job.group_id.map(|id| Id(id.into())),
            subject: job.subject,
            errors: u32::from(job.errors.unsigned_abs()),
            crashes: u32::from(job.crashes.unsigned_abs()),
            attempts: None,
            payload: None,
            request_id: job.request_id,
            created_at: Time(job.created_at),
            failed_at: Time(job.finished_at.unwrap_or(job.created_at)),
        }
    }

    /// The wire form of one.
    pub fn whole(job: JobView, payload: Option<Value>, asked: Asked, kept: &RetentionConfig) -> Self {
        let attempts = told::attempts(asked, &job).into_iter().map(JobAttempt::from).collect();
        Self { attempts: Some(attempts), payload, ..Self::listed(job, asked, kept) }
    }
}

impl Example for DeadLetter {
    fn example() -> Self {
        Self {
            id: Id::example(),
            tenant_id: Id::example(),
            kind: "messages.send".to_owned(),
            queue: "sends".to_owned(),
            lane: "pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned(),
            group_id: None,
            subject: Some("msg_01h455vb4pex5vsknk084sn02q".to_owned()),
            error: DeadLetterError {
                class: ErrorClass::Permanent,
                code: "twilio_30003".to_owned(),
                detail: "Unreachable destination handset.".to_owned(),
            },
            errors: 1,
            crashes: 0,
            attempts: Some(Vec::new()),
            payload: Some(serde_json::json!({})),
            request_id: Some("order-42".to_owned()),
            created_at: Time::example(),
            failed_at: Time::example(),
            expires_at: None,
        }
    }
}

/// Which dead letters; those that meet all that is given.
#[derive(Debug, Clone, Object)]
pub struct DeadLetterFilter {
    /// In this queue.
    #[oai(validator(max_length = 100))]
    pub queue: Option<String>,
    /// Of this kind.
    #[oai(validator(max_length = 100))]
    pub kind: Option<String>,
    /// In this lane.
    #[oai(validator(max_length = 200))]
    pub lane: Option<String>,
    /// In this group.
    pub group_id: Option<Id<JobGroupId>>,
    /// About this record.
    #[oai(validator(max_length = 100))]
    pub subject: Option<String>,
    /// With this class of error.
    pub error_class: Option<ErrorClass>,
    /// With this error.
    #[oai(validator(max_length = 100))]
    pub error_code: Option<String>,
    /// That gave up at this instant or later.
    pub failed_from: Option<Time>,
    /// That gave up before this instant.
    pub failed_before: Option<Time>,
}

impl From<DeadLetterFilter> for Filter {
    fn from(filter: DeadLetterFilter) -> Self {
        Self {
            queue: filter.queue,
            kind: filter.kind,
            lane: filter.lane,
            group: filter.group_id.map(|id| id.0),
            subject: filter.subject,
            error_class: filter.error_class.map(ErrorClass::stored),
            error_code: filter.error_code,
            failed_from: filter.failed_from.map(|at| at.0),
            failed_before: filter.failed_before.map(|at| at.0),
        }
    }
}

/// Some dead letters: by their ids, or by a filter.
#[derive(Debug, Object)]
#[oai(example)]
pub struct DeadLetterSelection {
    /// These. Either this or `filter` is given.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub ids: Option<Vec<Id<JobId>>>,
    /// Those that match, those that gave up first at the front (tenant by tenant, for the system key), up to `limit`; an empty
    /// filter matches all.
    pub filter: Option<DeadLetterFilter>,
    /// How many of those that match at most; call again while `has_more`.
    #[oai(default = "most", validator(minimum(value = "1"), maximum(value = "1000")))]
    pub limit: u32,
    /// Only count; nothing is changed.
    #[oai(default)]
    pub dry_run: bool,
    /// Whose, for the system key, which means everybody's where it is left out. A tenant's key means its own.
    pub tenant_id: Option<Id<TenantId>>,
}

const fn most() -> u32 {
    1_000
}

impl Example for DeadLetterSelection {
    fn example() -> Self {
        let filter = DeadLetterFilter {
            queue: None,
            kind: Some("messages.send".to_owned()),
            lane: None,
            group_id: None,
            subject: None,
            error_class: None,
            error_code: Some("twilio_30003".to_owned()),
            failed_from: None,
            failed_before: None,
        };
        Self { ids: None, filter: Some(filter), limit: most(), dry_run: true, tenant_id: None }
    }
}

/// What became of a selection.
#[derive(Debug, Object)]
#[oai(example)]
pub struct DeadLetterResult {
    /// How many dead letters it was done to, or would be.
    pub count: u32,
    /// Which.
    pub ids: Vec<Id<JobId>>,
    /// Ids of the selection that are no dead letters (any more): nothing was done to them.
    pub skipped: Vec<Id<JobId>>,
    /// Whether more match the filter than `limit`.
    pub has_more: bool,
    /// Whether this was a count only.
    pub dry_run: bool,
}

impl Example for DeadLetterResult {
    fn example() -> Self {
        Self { count: 1, ids: vec![Id::example()], skipped: Vec::new(), has_more: false, dry_run: true }
    }
}
