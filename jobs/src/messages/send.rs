//! `messages.send`: hands the messages of one call to their provider.
//!
//! It names no message: they carry the job's id, so that one statement claims them in sets, and so that a message
//! split off into a job of its own needs no new payload.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Sends the queued messages whose `job_id` is this job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendMessages {
    /// How many messages the call made. A single one's share of its sender's rate is charged when the job is taken,
    /// as the job's cost; several take theirs slice by slice as they go out.
    pub messages: i32,
}

impl Job for SendMessages {
    const KIND: &'static str = "messages.send";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "sends";
    // A batch of 1,000 in slices of 100, each waiting for a slow provider at the worst.
    const POLICY: Policy = Policy { timeout: Duration::from_secs(300), ..Policy::DEFAULT };
}
