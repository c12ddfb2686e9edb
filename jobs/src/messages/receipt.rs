//! `messages.receipt`: applies a set of delivery receipts.
//!
//! The raw webhooks are its payload, committed before they are answered; a receipt is perishable, a job is not.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

use crate::webhook::Webhook;

/// Applies delivery receipts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyReceipts {
    /// In the order in which they came.
    pub webhooks: Vec<Webhook>,
}

impl Job for ApplyReceipts {
    const KIND: &'static str = "messages.receipt";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "receipts";
    // Only our own database is asked: a failure is weather, and soon over.
    const POLICY: Policy = Policy { max_attempts: 12, backoff: Duration::from_millis(500), ..Policy::DEFAULT };
}
