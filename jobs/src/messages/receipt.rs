//! `messages.receipt`: applies a set of delivery receipts.
//!
//! The raw webhooks are stored with this job's id before they are answered; a receipt is perishable, a job is not.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Applies the stored receipts whose `job_id` is this job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReceipts {}

impl Job for ApplyReceipts {
    const KIND: &'static str = "messages.receipt";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "receipts";
    // Only our own database is asked: a failure is weather, and soon over.
    const POLICY: Policy = Policy { max_attempts: 12, backoff: Duration::from_millis(500), ..Policy::DEFAULT };
}
