//! `maintenance.retention`: removes what is past its age.
//!
//! How old is a setting of the worker that runs it, not of the payload: a shortened retention must hold for a job that
//! was waiting already.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Removes ended jobs, put-away dead letters, stored answers and raw webhooks that are past their age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retain {}

impl Job for Retain {
    const KIND: &'static str = "maintenance.retention";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "maintenance";
    // In bounded batches, so that a long backlog is many short transactions; what an hour does not do, the next run does.
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: Duration::from_secs(60),
        timeout: Duration::from_secs(60 * 60),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}
