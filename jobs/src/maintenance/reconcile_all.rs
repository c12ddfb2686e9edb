//! `maintenance.reconcile_all`: enqueues `messages.reconcile` for each provider account with something to ask about.
//!
//! The schedule could not do it itself: it would look at every tenant's messages inside the transaction that takes
//! the tick.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Starts the reconciliations that are due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcileAll {}

impl Job for ReconcileAll {
    const KIND: &'static str = "maintenance.reconcile_all";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "maintenance";
    // The next tick of the schedule tries again anyway.
    const POLICY: Policy = Policy { max_attempts: 3, backoff: Duration::from_secs(5), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}
