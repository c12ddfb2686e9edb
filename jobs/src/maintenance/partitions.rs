//! `maintenance.partitions`: makes the ledger's coming days.
//!
//! A kind of its own, apart from retention: deleting may take long or fail, and a day whose partition is missing at
//! midnight is a day in the default partition, which cannot be dropped.

use std::time::Duration;

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Makes the partitions of the days ahead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakePartitions {}

impl Job for MakePartitions {
    const KIND: &'static str = "maintenance.partitions";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "maintenance";
    // The next tick of the schedule tries again anyway; there are days of room.
    const POLICY: Policy = Policy { max_attempts: 5, backoff: Duration::from_secs(30), ..Policy::DEFAULT };

    fn unique_key(&self) -> Option<String> {
        Some(Self::KIND.to_owned())
    }
}
