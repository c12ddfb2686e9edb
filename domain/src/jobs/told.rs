//! What a tenant is told of an attempt: its own troubles in full, ours by name only.
//!
//! A handler's error text may hold a database's or a panic's words. Those stay in the ledger and the log, for the
//! people who run this; the code is what a tenant's program branches on.

use chrono::{DateTime, Utc};
use patchbay_queue::ledger::view::JobView;
use serde::Deserialize;

/// One failed attempt.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it ran.
    #[serde(default)]
    pub duration_ms: Option<i64>,
    /// The class of its error.
    pub class: String,
    /// The error as a stable name.
    pub code: String,
    /// The error for a person.
    pub detail: String,
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

/// The text of an error with this code, as a tenant may read it.
#[must_use]
pub fn detail<'a>(code: &str, detail: &'a str) -> &'a str {
    INSIDE.iter().find(|(inside, _)| *inside == code).map_or(detail, |(_, told)| told)
}

/// The failed attempts of `job`, oldest first.
#[must_use]
pub fn attempts(job: &JobView) -> Vec<Attempt> {
    let entries = job.attempts.as_array().cloned().unwrap_or_default();
    let attempts = entries.into_iter().filter_map(|entry| serde_json::from_value::<Attempt>(entry).ok());
    attempts.map(|attempt| Attempt { detail: detail(&attempt.code, &attempt.detail).to_owned(), ..attempt }).collect()
}

/// The code and the text of the last error of `job`.
#[must_use]
pub fn last_error(job: &JobView) -> Option<(String, String)> {
    let (code, text) = job.last_error.as_deref()?.split_once(": ")?;
    Some((code.to_owned(), detail(code, text).to_owned()))
}
