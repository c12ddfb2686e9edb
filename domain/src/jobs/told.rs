//! What a tenant is told of an attempt: its own troubles in full, ours by name only.
//!
//! A handler's error text may hold a database's or a panic's words, and names a machine of ours. Those are for the people
//! who run this; the code is what a tenant's program branches on.

use chrono::{DateTime, Utc};
use patchbay_queue::ledger::view::JobView;
use serde::Deserialize;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A tenant.
    Tenant,
    /// Those who run this installation.
    Operator,
}

/// One attempt that did not end its job well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The worker that ran it, for those who run this.
    #[serde(default)]
    pub worker: Option<String>,
    /// How long it ran.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// The class of its error, or `crash`, `interruption` or `snooze`.
    pub class: String,
    /// The error as a stable name.
    pub code: String,
    /// The error for a person.
    pub detail: String,
    /// How many of the kind were in a row, this the last of them.
    #[serde(default = "once")]
    pub times: i32,
}

const fn once() -> i32 {
    1
}

/// Codes whose text comes from inside, and what is said instead.
const INSIDE: &[(&str, &str)] = &[
    ("database_unavailable", "The database was not available."),
    ("database_error", "The attempt failed on our side."),
    ("redis_unavailable", "The dispatcher was not available."),
    ("writer_busy", "The attempt failed on our side."),
    ("panicked", "The attempt failed on our side."),
    ("error", "The attempt failed on our side."),
    ("aborted", "The attempt failed on our side."),
    ("payload_malformed", "The attempt failed on our side."),
];

/// The text of an error with this code, as whoever asked may read it.
#[must_use]
pub fn detail<'a>(asked: Asked, code: &str, detail: &'a str) -> &'a str {
    if asked == Asked::Operator {
        return detail;
    }
    INSIDE.iter().find(|(inside, _)| *inside == code).map_or(detail, |(_, told)| told)
}

/// The attempts of `job` that did not end it well, oldest first.
#[must_use]
pub fn attempts(asked: Asked, job: &JobView) -> Vec<Attempt> {
    let entries = job.attempts.as_array().cloned().unwrap_or_default();
    let attempts = entries.into_iter().filter_map(|entry| serde_json::from_value::<Attempt>(entry).ok());
    let told = |attempt: Attempt| Attempt {
        detail: detail(asked, &attempt.code, &attempt.detail).to_owned(),
        worker: attempt.worker.filter(|_| asked == Asked::Operator),
        ..attempt
    };
    attempts.map(told).collect()
}

/// The code and the text of the last error of `job`.
#[must_use]
pub fn last_error(asked: Asked, job: &JobView) -> Option<(String, String)> {
    let (code, text) = job.last_error.as_deref()?.split_once(": ")?;
    Some((code.to_owned(), detail(asked, code, text).to_owned()))
}
