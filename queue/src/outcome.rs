//! How a run of a job ends.
//!
//! A handler says what happened, never what to do about it: the engine turns an error's class and
//! the kind's policy into a retry or a dead letter. Guessing from an error's text was rejected; the
//! type has no way to be silent about its class.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// A run that did not fail.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The work is done; a small JSON result to keep, if any.
    Done(Option<Value>),
    /// Not now: throttled, quiet hours, waiting for somebody. Costs no attempt.
    Snooze {
        /// When it may run again.
        until: DateTime<Utc>,
        /// What it waits for, in words a person understands.
        reason: String,
    },
    /// It saw the request to cancel and stopped.
    Cancelled,
}

/// What kind of failure an error is; decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Trying again cannot help: a dead letter at once.
    Permanent,
    /// Trying again later may help: counts as an attempt.
    Retryable,
    /// Somebody said "slow down": runs again then, costs no attempt.
    Throttled {
        /// When it may run again.
        until: DateTime<Utc>,
    },
    /// It may or may not have happened. Retried, and the handler looks before it leaps.
    Unknown,
}

impl ErrorClass {
    /// The name stored with the error and offered as a filter.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Retryable => "retryable",
            Self::Throttled { .. } => "throttled",
            Self::Unknown => "unknown",
        }
    }
}

/// A run that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct JobError {
    /// What follows from it.
    pub class: ErrorClass,
    /// Stable and snake_case, to be filtered by (`provider_21211`).
    pub code: String,
    /// For a person; never a secret, never what a payload says.
    pub detail: String,
}

impl JobError {
    /// An error that no retry mends.
    pub fn permanent(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { class: ErrorClass::Permanent, code: code.into(), detail: detail.into() }
    }

    /// An error that a retry may mend.
    pub fn retryable(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { class: ErrorClass::Retryable, code: code.into(), detail: detail.into() }
    }

    /// An effect that may or may not have happened.
    pub fn unknown(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { class: ErrorClass::Unknown, code: code.into(), detail: detail.into() }
    }

    /// Too fast for somebody, until `until`.
    pub fn throttled(until: DateTime<Utc>, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { class: ErrorClass::Throttled { until }, code: code.into(), detail: detail.into() }
    }
}
