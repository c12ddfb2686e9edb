//! What the history of a job keeps of an attempt that did not end it well.
//!
//! Every attempt is kept: errors and crashes each by itself, and those that cost no budget (put off, throttled, interrupted)
//! as one entry with a count where they follow each other (`queue.remember`). The last attempt of a job that went well is
//! its row's own `started_at`, `finished_at` and `worker`.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::text::writable;

/// One attempt, as kept in the row's history.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Attempt {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// Who ran it.
    pub worker: String,
    /// How long it ran.
    pub duration_ms: i64,
    /// The error's class, or one of [`CRASH`], [`INTERRUPTION`] and [`SNOOZE`].
    pub class: &'static str,
    /// The error's code.
    pub code: String,
    /// The error, for a person.
    pub detail: String,
    /// How many of the kind were in a row, this the last of them.
    #[serde(skip_serializing_if = "is_one")]
    pub times: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_one(times: &u32) -> bool {
    *times == 1
}

/// The class of an attempt that took its worker down, or its thread.
pub const CRASH: &str = "crash";
/// The class of an attempt that was cut short by no fault of its own.
pub const INTERRUPTION: &str = "interruption";
/// The class of an attempt that put its job off.
pub const SNOOZE: &str = "snooze";

/// What a handler's text may at most take in a row.
const DETAIL_MAX: usize = 2_000;

impl Attempt {
    /// The attempt with its text as a row takes it: cut, and without NUL.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        self.code = writable(self.code);
        self.detail = writable(self.detail);
        if self.detail.len() > DETAIL_MAX {
            let mut end = DETAIL_MAX;
            while !self.detail.is_char_boundary(end) {
                end -= 1;
            }
            self.detail.truncate(end);
        }
        self
    }

    /// Whether it failed: what was put off, throttled or interrupted did not, and costs no budget.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        ![SNOOZE, INTERRUPTION, "throttled"].contains(&self.class)
    }

    /// As a row keeps it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("an attempt is plain data and serialises")
    }
}
