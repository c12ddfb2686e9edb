//! `jobs.discard`: puts dead letters away.
//!
//! As `jobs.redrive`, and as stoppable: a discard cannot be taken back, and half of a mistake is better than all of it.

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

use super::Selection;

/// Discards dead letters, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardDead {
    /// Which.
    pub selection: Selection,
    /// How many at most.
    pub limit: u32,
    /// How many a second; as fast as it goes where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
}

impl Job for DiscardDead {
    const KIND: &'static str = "jobs.discard";
    // 2: everybody's, and by lane and group; workers that know only 1 would work through others.
    const VERSION: i16 = 2;
    const QUEUE: &'static str = "jobs";
    const POLICY: Policy = Policy::DEFAULT;
}
