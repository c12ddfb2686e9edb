//! What a job is: a typed payload on this side, a name, a version and bytes on the other.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::Policy;
use crate::flow::{After, Conflict, Flow, Hold};
use crate::policy::MAX_ATTEMPTS;
use crate::seal::{Seal, SealError, seal_fields};

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

    /// Fields of the payload (a JSON object then) that only a handler may read: sealed in the ledger and in Redis, see
    /// [`seal`](crate::seal).
    const SECRET_FIELDS: &'static [&'static str] = &[];

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
        from_json(payload)
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

/// Decodes a JSON payload, for a [`Job::decode`] of one's own. The error of what does not fit names the field.
///
/// # Errors
/// [`DecodeError::Malformed`], as `to.number: invalid type: integer 7, expected a string at line 1 column 24`.
pub fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    // The path is followed only where there is something to say of it.
    serde_json::from_slice(payload).map_err(|plain| {
        let mut json = serde_json::Deserializer::from_slice(payload);
        let named = serde_path_to_error::deserialize::<_, T>(&mut json).err().map(|error| error.to_string());
        DecodeError::Malformed(named.unwrap_or_else(|| plain.to_string()))
    })
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
    flow: Flow,
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
            flow: Flow::default(),
        }
    }

    /// The lane inside the tenant's share (a sender, say); the tenant's own lane where not set.
    #[must_use]
    pub fn lane(mut self, lane: impl Into<String>) -> Self {
        self.lane = lane.into();
        self
    }

    /// What it costs in the queue's unit (pages, rows): fairness and rates count this.
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

    /// What follows where the key is taken; [`Conflict::Keep`] where not set.
    #[must_use]
    pub const fn on_conflict(mut self, conflict: Conflict) -> Self {
        self.flow.conflict = conflict;
        self
    }

    /// The key stays taken this long from now on, past the job's end too.
    #[must_use]
    pub fn unique_for(mut self, window: Duration) -> Self {
        self.flow.window = TimeDelta::from_std(window).ok();
        self
    }

    /// Counts the job in a group ([`ledger::groups`](crate::ledger::groups)).
    #[must_use]
    pub const fn group(mut self, group: Uuid) -> Self {
        self.flow.group = Some(group);
        self
    }

    /// Holds the job until the job `on` of the same tenant is over well: succeeded, cancelled or discarded. A dead
    /// letter holds it until somebody redrives or discards that. May be said of several. One that is not there (yet, or
    /// any more) holds it not at all. Jobs that are handed in together may name each other in any order, but not in a
    /// circle ([`Circle`](crate::ledger::Circle)).
    #[must_use]
    pub fn after(self, on: Uuid) -> Self {
        self.waiting_for(After { on, group: false, any_end: false })
    }

    /// As [`after`](Self::after), and a dead letter will do too.
    #[must_use]
    pub fn after_end(self, on: Uuid) -> Self {
        self.waiting_for(After { on, group: false, any_end: true })
    }

    /// Holds the job until the group is sealed and none of its members is pending or a dead letter; also where it has
    /// no members yet.
    #[must_use]
    pub fn after_group(self, group: Uuid) -> Self {
        self.waiting_for(After { on: group, group: true, any_end: false })
    }

    /// As [`after_group`](Self::after_group), and dead letters will do too: the usual completion job.
    #[must_use]
    pub fn after_group_end(self, group: Uuid) -> Self {
        self.waiting_for(After { on: group, group: true, any_end: true })
    }

    fn waiting_for(mut self, after: After) -> Self {
        self.flow.after.push(after);
        self
    }

    /// Strict order: of a tenant's jobs with this key, each starts only when the one accepted before it is over well.
    #[must_use]
    pub fn in_order(mut self, key: impl Into<String>) -> Self {
        self.flow.order = Some(key.into());
        self
    }

    /// Holds the job until somebody releases it ([`ledger::hold::release`](crate::ledger::hold::release)). `by` is for
    /// programs (`approval`), `reason` for people.
    #[must_use]
    pub fn held(mut self, by: impl Into<String>, reason: impl Into<String>) -> Self {
        self.flow.hold = Some(Hold { by: by.into(), reason: reason.into() });
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
        const { assert!(J::POLICY.max_attempts > 0 && J::POLICY.max_attempts <= MAX_ATTEMPTS, "no such budget") };
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
            secret_fields: J::SECRET_FIELDS,
            flow: (request.flow != Flow::default()).then(|| Box::new(request.flow)),
        }
    }
}

/// The largest payload, in bytes. One of up to [`CARRIED`](crate::envelope::CARRIED) is held in Redis with its waiting
/// job, and copied by the claim; a larger one stays in the ledger, and is read there once the job is claimed.
pub const PAYLOAD_MAX: usize = 1 << 20;

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
    /// What it waits for, what it is counted in, what a taken key means; none for most jobs.
    pub flow: Option<Box<Flow>>,
    /// Fields of the payload that have to be sealed before the ledger takes it: [`NewJob::seal`].
    pub secret_fields: &'static [&'static str],
}

impl NewJob {
    /// Seals its secret fields; the ledger takes no job that has some left.
    ///
    /// # Errors
    /// A payload that is no JSON object.
    pub fn seal(&mut self, seal: &dyn Seal) -> Result<(), SealError> {
        if !self.secret_fields.is_empty() {
            self.payload = seal_fields(seal, self.tenant_id, &self.kind, self.secret_fields, &self.payload)?;
            self.secret_fields = &[];
        }
        Ok(())
    }
}
