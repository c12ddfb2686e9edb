//! A job in memory.

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::ledger::attempt::Attempt;
use crate::ledger::progress::Progress;
use crate::{After, Envelope, NewJob};

/// Where a job stands; the ledger's states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Not due yet.
    Scheduled,
    /// Due, and in its lane.
    Waiting,
    /// Until somebody releases it, or what it waits for is over.
    Held,
    /// Done.
    Succeeded,
    /// A dead letter.
    Dead,
    /// Cancelled.
    Cancelled,
    /// A dead letter that was put away.
    Discarded,
}

impl State {
    /// As the ledger writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Discarded => "discarded",
        }
    }

    /// Whether it may still run by itself or by a release.
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Scheduled | Self::Waiting | Self::Held)
    }
}

/// A job of a [`TestQueue`](super::TestQueue).
#[derive(Debug, Clone)]
pub struct TestJob {
    /// As it was handed in (or replaced since).
    pub new: NewJob,
    /// Where it stands.
    pub state: State,
    /// From when it may run.
    pub run_at: DateTime<Utc>,
    /// What holds it: `approval`, `operator`, `dependency`, `kind_pause`, `version`.
    pub held_by: Option<String>,
    /// What it waits for, in words.
    pub held_reason: Option<String>,
    /// Used of the budget of attempts.
    pub errors: i16,
    /// Panics, and workers that vanished while it ran.
    pub crashes: i16,
    /// Runs that were given back.
    pub interruptions: i32,
    /// Its attempts that did not end it well.
    pub attempts: Vec<Attempt>,
    /// What its handler left.
    pub result: Option<Value>,
    /// How far it has come.
    pub progress: Progress,
    /// Whether somebody asked for it to stop.
    pub cancel_requested: bool,
    /// How often it was run.
    pub runs: u32,
    pub(super) generation: i32,
    /// The fencing token of its last run.
    pub(super) token: i64,
    /// What it waits for.
    pub(super) ties: Vec<After>,
}

impl TestJob {
    /// The code of its last error.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.attempts.iter().rfind(|attempt| attempt.is_failure()).map(|attempt| attempt.code.as_str())
    }

    pub(super) fn group(&self) -> Option<Uuid> {
        self.new.flow.as_ref()?.group
    }

    /// The job on its way to a handler.
    pub(super) fn envelope(&self) -> Envelope {
        let mut envelope = Envelope::from(&self.new);
        envelope.token = self.token;
        envelope.header.errors = self.errors;
        envelope.header.crashes = self.crashes;
        envelope.header.generation = self.generation;
        envelope
    }
}
