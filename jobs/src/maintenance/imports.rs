//! `maintenance.imports`: puts in order the imports that nobody came back for.
//!
//! An upload that broke off, or an import whose job ended without it, looks alive for ever to whoever follows it; so
//! this runs more often than retention does.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Sweeps all tenants' imports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepImports {}

impl Job for SweepImports {
    const KIND: &'static str = "maintenance.imports";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "maintenance";
    // The next tick of the schedule tries again anyway.
    const POLICY: Policy = Policy { max_attempts: 3, backoff: Duration::from_secs(10), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}
