//! What lanes look like on the wire.

use chrono::{DateTime, Utc};
use patchbay_domain::queues::lanes;
use poem_openapi::{Object, types::Example};

use super::{dto::QueuePause, limit_dto::LaneLimit};
use crate::http::Time;

/// A lane of a tenant in a queue.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Lane {
    /// Its name: a path of segments with `~` between them, such as a provider account and its sender. Empty for the tenant's
    /// own. A prefix that something is set on is in this list too.
    pub name: String,
    /// Due jobs that nobody runs yet. Counted up to 1,000.
    pub waiting: u64,
    /// Whether more wait than `waiting` says.
    pub at_least: bool,
    /// Jobs that run; null while the dispatcher cannot be asked.
    pub running: Option<u64>,
    /// Since when the oldest job is due: from when it was accepted, or from its planned time or its next attempt if that
    /// is later.
    pub oldest_at: Option<Time>,
    /// The age of that job in seconds.
    pub oldest_age_seconds: Option<i64>,
    /// From when it may be served, if not now: paused, out of tokens, or asked to slow down.
    pub eligible_at: Option<Time>,
    /// What is set on it. What is set on the tenant's own lane holds for all of its lanes together.
    pub limit: Option<LaneLimit>,
    /// What pauses it: a pause of the lane or a prefix of it, of the tenant's share or of the queue.
    pub pause: Option<QueuePause>,
}

impl Lane {
    /// The wire form of `lane` at `now`.
    pub fn at(lane: lanes::Lane, now: DateTime<Utc>) -> Self {
        Self {
            name: lane.name,
            waiting: lane.waiting,
            at_least: lane.at_least,
            running: lane.running,
            oldest_at: lane.oldest.map(Time),
            oldest_age_seconds: lane.oldest.map(|oldest| (now - oldest).num_seconds().max(0)),
            eligible_at: lane.eligible_at.map(Time),
            limit: lane.limit.as_ref().map(LaneLimit::of),
            pause: lane.pause.map(QueuePause::from),
        }
    }
}

impl Example for Lane {
    fn example() -> Self {
        Self {
            name: "pac_01h455vb4pex5vsknk084sn02q~+12025550100".to_owned(),
            waiting: 42,
            at_least: false,
            running: Some(1),
            oldest_at: Some(Time::example()),
            oldest_age_seconds: Some(3),
            eligible_at: None,
            limit: Some(LaneLimit::example()),
            pause: None,
        }
    }
}
