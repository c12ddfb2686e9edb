//! What a job is: a typed payload on this side, a name, a version and bytes on the other.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Policy;

/// A kind of job: implemented by its payload. Names are written out (never `type_name`, which a
/// rename of the type would change under waiting jobs).
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The name, `area.what`; never reused for another meaning.
    const KIND: &'static str;
    /// The payload's version; raised when old code could not decode the new payload.
    const VERSION: i16;
    /// The queue it waits in.
    const QUEUE: &'static str;
    /// How it is tried.
    const POLICY: Policy;

    /// What only one living job of the kind may stand for in a tenant: while one with this key lives, another is not
    /// enqueued. The default: jobs of the kind are never the same.
    fn unique_key(&self) -> Option<String> {
        None
    }

    /// Decodes the payload of an older version; the default knows only its own.
    ///
    /// # Errors
    /// When the bytes are no payload of that version; the error names the field.
    fn decode(version: i16, payload: &[u8]) -> Result<Self, DecodeError> {
        if version > Self::VERSION {
            return Err(DecodeError::Newer { version, known: Self::VERSION });
        }
        serde_json::from_slice(payload).map_err(|error| DecodeError::Malformed(error.to_string()))
    }
}

/// Why a payload could not be decoded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeError {
    /// Made by newer code: it waits for a worker that knows it.
    #[error("payload version {version} is newer than the {known} known here")]
    Newer {
        /// The payload's version.
        version: i16,
        /// The newest version known here.
        known: i16,
    },
    /// Not what its kind and version promise.
    #[error("{0}")]
    Malformed(String),
}

/// A job to be enqueued: the typed payload and what differs from the kind's defaults.
#[derive(Debug)]
pub struct JobRequest<J> {
    id: Uuid,
    tenant: Uuid,
    job: J,
    lane: String,
    cost: i32,
    priority: i16,
    subject: Option<String>,
    unique_key: Option<String>,
    run_at: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
    trace: Option<String>,
    request_id: Option<String>,
    total: i32,
}

impl<J: Job> JobRequest<J> {
    /// A job of `tenant` under the id `id` (a UUIDv7: its time is the job's place in its lane).
    pub fn new(id: Uuid, tenant: Uuid, job: J) -> Self {
        Self {
            id,
            tenant,
            unique_key: job.unique_key(),
            job,
            lane: String::new(),
            cost: 1,
            priority: J::POLICY.priority,
            subject: None,
            run_at: None,
            not_after: None,
            trace: None,
            request_id: None,
            total: 0,
        }
    }

    /// The lane inside the tenant's share (a sender, say); the tenant's own lane where not set.
    #[must_use]
    pub fn lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// What it costs in the queue's unit (segments, recipients): fairness and rates count this.
    #[must_use]
    pub const fn cost(mut self, cost: i32) -> Self {
        self.cost = cost;
        self
    }

    /// The record it is about, as its public id.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// While a job of this kind with this key lives, another is not enqueued; for a key that the payload does not
    /// tell ([`Job::unique_key`]).
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Not before this instant.
    #[must_use]
    pub const fn run_at(mut self, at: Option<DateTime<Utc>>) -> Self {
        self.run_at = at;
        self
    }

    /// Not after this instant: it ends as a dead letter instead of running late.
    #[must_use]
    pub const fn not_after(mut self, at: Option<DateTime<Utc>>) -> Self {
        self.not_after = at;
        self
    }

    /// How many things it will work through, where known from the start.
    #[must_use]
    pub const fn total(mut self, total: i32) -> Self {
        self.total = total;
        self
    }

    /// The W3C `traceparent` and the request id of the request that caused it.
    #[must_use]
    pub fn caused_by(mut self, trace: Option<String>, request_id: Option<String>) -> Self {
        self.trace = trace;
        self.request_id = request_id;
        self
    }
}

impl<J: Job> From<JobRequest<J>> for NewJob {
    fn from(request: JobRequest<J>) -> Self {
        Self {
            id: request.id,
            tenant_id: request.tenant,
            queue: J::QUEUE.into(),
            kind: J::KIND.into(),
            version: J::VERSION,
            lane: request.lane,
            priority: request.priority,
            cost: request.cost,
            payload: serde_json::to_vec(&request.job).expect("a payload is plain data and serialises"),
            subject: request.subject,
            unique_key: request.unique_key,
            run_at: request.run_at,
            not_after: request.not_after,
            max_attempts: J::POLICY.max_attempts,
            trace: request.trace,
            request_id: request.request_id,
            total: request.total,
        }
    }
}

/// A job as the ledger takes it: no types, only a name, a version and bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// A UUIDv7.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Where it waits.
    pub queue: String,
    /// Its kind's name.
    pub kind: String,
    /// Its payload's version.
    pub version: i16,
    /// The lane inside the tenant's share; empty for the tenant's own.
    pub lane: String,
    /// 0 to 9.
    pub priority: i16,
    /// Cost units.
    pub cost: i32,
    /// The payload; JSON for a typed [`Job`].
    pub payload: Vec<u8>,
    /// The record it is about.
    pub subject: Option<String>,
    /// See [`JobRequest::unique`].
    pub unique_key: Option<String>,
    /// Now, where not set.
    pub run_at: Option<DateTime<Utc>>,
    /// See [`JobRequest::not_after`].
    pub not_after: Option<DateTime<Utc>>,
    /// Errors before it is a dead letter.
    pub max_attempts: i16,
    /// W3C `traceparent`.
    pub trace: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// How many things it will work through.
    pub total: i32,
}
