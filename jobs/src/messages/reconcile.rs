//! `messages.reconcile`: asks a provider about messages without a final receipt.
//!
//! Receipts get lost, and some providers keep them for hours only. One job per account, so that an account whose
//! credentials fail holds up nobody else; unique by its account, so that a slow run is not joined by the next tick's.

use std::time::Duration;

use patchbay_db::ids::ProviderAccountId;
use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Settles what is due at one provider account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconcile {
    /// The account to ask.
    pub provider_account_id: ProviderAccountId,
}

impl Job for Reconcile {
    const KIND: &'static str = "messages.reconcile";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "reconcile";
    // The next tick of the schedule asks again anyway.
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: Duration::from_secs(10),
        timeout: Duration::from_secs(300),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.provider_account_id.to_string())
    }
}
