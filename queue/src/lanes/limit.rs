//! What may be set on a key: a rate, how many may run, a weight, opening hours, a circuit breaker, a depth.
//!
//! A lane's name is a path (`~` between its segments), and each prefix of it is a key, for its tenant and once more for
//! all tenants together (the nil tenant): a tenant's share of a provider account and the account's own ceiling are two
//! limits on the same prefix. An empty prefix is the tenant as a whole; that of the nil tenant is the queue.
//! A claim asks all of a lane's keys before it takes anything.

use std::time::Duration;

use super::{Hours, LaneName};

/// `queue` of what holds in every queue: weights, depths, hours and pauses. What counts (rates, what runs, breakers)
/// cannot, because queues share no counters.
pub const EVERY_QUEUE: &str = "*";

/// Between the segments of a lane's path.
pub const SEPARATOR: char = '~';

/// Segments of a path that are keys; a deeper path has its first prefixes and its whole.
pub const DEPTH: usize = 6;

/// How many cost units may pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Units a second.
    pub per_second: f64,
    /// Units that may go at once.
    pub burst: i32,
}

/// When a key's circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRule {
    /// Failures in a row that open it.
    pub failures: i32,
    /// Within this time of the first of them.
    pub within: Duration,
    /// How long it is open; each time that the trial after it fails, twice as long, up to ten times.
    pub open_for: Duration,
}

/// Everything that is set on one key; a field that is none is not limited.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The key.
    pub lane: LaneName,
    /// Cost units over time.
    pub rate: Option<Rate>,
    /// Jobs that may run at a time.
    pub concurrency: Option<i32>,
    /// A tenant's share against the others': 1 where nothing is set.
    pub weight: Option<f64>,
    /// When jobs may start.
    pub hours: Option<Hours>,
    /// When to leave alone what fails.
    pub breaker: Option<BreakerRule>,
    /// Jobs of a tenant that may wait.
    pub max_waiting: Option<i64>,
}

/// The rate of a key and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// The key.
    pub lane: LaneName,
    /// Units a second.
    pub rate_per_second: f64,
    /// Units that may go at once.
    pub burst: i32,
}

/// A limit that cannot be set, with the field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Unfit {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Weights that keep the turn exact to a fraction of a percent.
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.01..=1000.0;

impl Limit {
    /// A limit of `lane` that limits nothing yet.
    #[must_use]
    pub const fn new(lane: LaneName) -> Self {
        Self { lane, rate: None, concurrency: None, weight: None, hours: None, breaker: None, max_waiting: None }
    }

    /// Whether it limits nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rate.is_none()
            && self.concurrency.is_none()
            && self.weight.is_none()
            && self.hours.is_none()
            && self.breaker.is_none()
            && self.max_waiting.is_none()
    }

    /// Whether it can be set for `queue` (or [`EVERY_QUEUE`]).
    ///
    /// # Errors
    /// The first field that cannot.
    pub fn check(&self, queue: &str) -> Result<(), Unfit> {
        let of_a_tenant = self.lane.lane.is_empty() && !self.lane.tenant.is_nil();
        let everywhere = queue == EVERY_QUEUE;
        let unfit = |field, reason| Err(Unfit { field, reason });
        if self.lane.lane.split(SEPARATOR).count() > DEPTH {
            return unfit("lane", "A key has at most six segments.");
        }
        if self.rate.is_some_and(|rate| !(rate.per_second > 0.0 && rate.per_second.is_finite() && rate.burst > 0)) {
            return unfit("rate", "A rate and its burst are greater than zero.");
        }
        if self.concurrency.is_some_and(|most| most <= 0) {
            return unfit("concurrency", "At least one job may run; pause the key to let none.");
        }
        if self.weight.is_some_and(|weight| !WEIGHTS.contains(&weight)) {
            return unfit("weight", "A weight is between 0.01 and 1000.");
        }
        if self.weight.is_some() && !of_a_tenant {
            return unfit("weight", "Only a tenant as a whole has a weight.");
        }
        if self.max_waiting.is_some_and(|most| most <= 0) {
            return unfit("max_waiting", "A depth is greater than zero.");
        }
        if self.max_waiting.is_some() && !of_a_tenant {
            return unfit("max_waiting", "Only a tenant as a whole has a depth.");
        }
        if self.hours.as_ref().is_some_and(|hours| !hours.is_fit()) {
            return unfit("hours", "Hours have between 1 and 50 openings, each on at least one day.");
        }
        if self.breaker.is_some_and(|rule| rule.failures <= 0 || rule.within.is_zero() || rule.open_for.is_zero()) {
            return unfit("breaker", "A breaker's failures and times are greater than zero.");
        }
        if everywhere && (self.rate.is_some() || self.concurrency.is_some() || self.breaker.is_some()) {
            return unfit("queue", "Rates, concurrency and breakers are set for one queue: queues share no counters.");
        }
        Ok(())
    }
}

impl From<RateLimit> for Limit {
    fn from(limit: RateLimit) -> Self {
        let rate = Rate { per_second: limit.rate_per_second, burst: limit.burst };
        Self { rate: Some(rate), ..Self::new(limit.lane) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_cannot_be_set_says_which_field() {
        let tenant = LaneName { tenant: Uuid::from_u128(1), lane: String::new() };
        let lane = LaneName { tenant: tenant.tenant, lane: "pa~+1".into() };
        let limit = |lane: &LaneName| Limit::new(lane.clone());
        let rate = Some(Rate { per_second: 1.0, burst: 1 });
        assert_eq!(Limit { rate, weight: Some(2.0), ..limit(&tenant) }.check("q"), Ok(()));
        for (unfit, queue, field) in [
            (Limit { rate: Some(Rate { per_second: 0.0, burst: 1 }), ..limit(&lane) }, "q", "rate"),
            (Limit { concurrency: Some(0), ..limit(&lane) }, "q", "concurrency"),
            (Limit { weight: Some(1.0), ..limit(&lane) }, "q", "weight"),
            (Limit { weight: Some(0.001), ..limit(&tenant) }, "q", "weight"),
            (Limit { max_waiting: Some(1), ..limit(&lane) }, "q", "max_waiting"),
            (Limit { rate, ..limit(&tenant) }, EVERY_QUEUE, "queue"),
            (limit(&LaneName { lane: "a~b~c~d~e~f~g".into(), ..tenant }), "q", "lane"),
        ] {
            assert_eq!(unfit.check(queue).map_err(|unfit| unfit.field), Err(field));
        }
    }
}
