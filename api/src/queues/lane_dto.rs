//! What lanes and their rates look like on the wire.

use chrono::{DateTime, Utc};
use patchbay_domain::queues::lanes;
use patchbay_queue::lanes::RateLimit;
use poem_openapi::{Object, types::Example};

use super::dto::QueuePause;
use crate::http::Time;

/// A rate, in cost units (segments of messages, one for other jobs).
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct LaneLimit {
    /// Units a second.
    #[oai(validator(minimum(value = "0.001"), maximum(value = "100000")))]
    pub rate_per_second: f64,
    /// Units that may go at once.
    #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
    pub burst: i32,
}

impl From<RateLimit> for LaneLimit {
    fn from(limit: RateLimit) -> Self {
        Self { rate_per_second: limit.rate_per_second, burst: limit.burst }
    }
}

impl Example for LaneLimit {
    fn example() -> Self {
        Self { rate_per_second: 1.0, burst: 1 }
    }
}

/// A lane of a tenant in a queue.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Lane {
    /// Its name, such as the sender's address; empty for the tenant's own.
    pub name: String,
    /// Due jobs that nobody runs yet. Counted up to 1,000.
    pub waiting: u64,
    /// Whether more wait than `waiting` says.
    pub at_least: bool,
    /// Jobs that run; null while the dispatcher cannot be asked.
    pub running: Option<u64>,
    /// When the oldest due job was accepted.
    pub oldest_at: Option<Time>,
    /// The age of that job in seconds.
    pub oldest_age_seconds: Option<i64>,
    /// From when it may be served, if not now: paused, out of tokens, or asked to slow down.
    pub eligible_at: Option<Time>,
    /// Its rate. That of the tenant's own lane holds for all of its lanes together.
    pub limit: Option<LaneLimit>,
    /// What pauses it: a pause of the lane, of the tenant's share or of the queue.
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
            limit: lane.limit.map(LaneLimit::from),
            pause: lane.pause.map(QueuePause::from),
        }
    }
}

impl Example for Lane {
    fn example() -> Self {
        Self {
            name: "+12025550100".to_owned(),
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
