//! `jobs.redrive`: lets dead letters run again, so many a second.
//!
//! A job, and not a request that takes minutes: it survives a deploy, shows how far it has come, and is stopped by
//! cancelling it. The pace is for whoever failed the first time: a provider that was down for an hour must not get the
//! hour's messages in a second.

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

use super::Selection;

/// Redrives dead letters, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedriveDead {
    /// Which.
    pub selection: Selection,
    /// How many at most.
    pub limit: u32,
    /// How many a second; as fast as it goes where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_second: Option<u32>,
}

impl Job for RedriveDead {
    const KIND: &'static str = "jobs.redrive";
    // 2: everybody's, and by lane and group; workers that know only 1 would work through others.
    const VERSION: i16 = 2;
    const QUEUE: &'static str = "jobs";
    const POLICY: Policy = Policy::DEFAULT;
}
