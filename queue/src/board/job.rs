//! A job as a board shows it and takes it.
//!
//! What is put in is made by its kind's type, as everywhere: its payload is decoded, its policy and its unique key hold.
//! A board has no key to seal with, so a kind with secret fields is refused: they would stand in the ledger in plain.

use apalis_core::backend::codec::Codec;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::BoardError;
use crate::ledger::view::JobView;
use crate::{Job, JobRequest, NewJob};

/// A job on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardJob {
    /// Whose.
    pub tenant: Uuid,
    /// Its kind's name.
    pub kind: String,
    /// Its payload's version; the newest where it is left out.
    #[serde(default)]
    pub version: Option<i16>,
    /// The lane inside the tenant's share.
    #[serde(default)]
    pub lane: String,
    /// The record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Its payload: needed to enqueue, told only of a job asked for by its id (null where it is not JSON).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Value>,
}

impl BoardJob {
    /// A row, without its payload.
    pub(super) fn of(view: &JobView) -> Self {
        Self {
            tenant: view.tenant_id,
            kind: view.kind.clone(),
            version: Some(view.version),
            lane: view.lane.clone(),
            subject: view.subject.clone(),
            last_error: view.last_error.clone(),
            payload: None,
        }
    }
}

/// Makes the job that the ledger takes, under an id.
pub(super) type Make = fn(BoardJob, Uuid) -> Result<NewJob, BoardError>;

/// [`Make`] of the kind `J`.
pub(super) fn make<J: Job>(job: BoardJob, id: Uuid) -> Result<NewJob, BoardError> {
    if !J::SECRET_FIELDS.is_empty() {
        return Err(BoardError::Secret { kind: J::KIND });
    }
    let payload = serde_json::to_vec(&job.payload.unwrap_or_default())?;
    let payload = J::decode(job.version.unwrap_or(J::VERSION), &payload)?;
    let mut request = JobRequest::new(id, job.tenant, payload).lane(job.lane);
    if let Some(subject) = job.subject {
        request = request.subject(subject);
    }
    Ok(request.into())
}

/// JSON, both ways.
#[derive(Debug, Clone, Copy, Default)]
pub struct BoardCodec;

impl Codec<BoardJob> for BoardCodec {
    type Error = serde_json::Error;
    type Compact = Value;

    fn encode(&self, job: &BoardJob) -> Result<Value, serde_json::Error> {
        serde_json::to_value(job)
    }

    fn decode(&self, value: &Value) -> Result<BoardJob, serde_json::Error> {
        BoardJob::deserialize(value)
    }
}
