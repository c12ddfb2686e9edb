//! A job as a board shows it and takes it.

use apalis_core::backend::codec::Codec;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::ledger::view::JobView;
use crate::{NewJob, Policy};

/// A job on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoardJob {
    /// Whose.
    pub tenant: Uuid,
    /// Its kind's name.
    pub kind: String,
    /// Its payload's version.
    #[serde(default = "first")]
    pub version: i16,
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

const fn first() -> i16 {
    1
}

impl BoardJob {
    /// A row, without its payload.
    pub(super) fn of(view: &JobView) -> Self {
        Self {
            tenant: view.tenant_id,
            kind: view.kind.clone(),
            version: view.version,
            lane: view.lane.clone(),
            subject: view.subject.clone(),
            last_error: view.last_error.clone(),
            payload: None,
        }
    }

    /// The job that the ledger takes.
    pub(super) fn into_new(self, id: Uuid, queue: &str) -> NewJob {
        NewJob {
            id,
            tenant_id: self.tenant,
            queue: queue.to_owned(),
            kind: self.kind,
            version: self.version,
            lane: self.lane,
            priority: 0,
            cost: 1,
            payload: serde_json::to_vec(&self.payload.unwrap_or_default()).expect("a JSON value serialises"),
            subject: self.subject,
            unique_key: None,
            run_at: None,
            not_after: None,
            max_attempts: Policy::DEFAULT.max_attempts,
            trace: None,
            request_id: None,
            total: 0,
            secret_fields: &[],
            flow: None,
        }
    }
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
