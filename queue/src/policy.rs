//! How a kind of job is tried: how often, how long apart, how long at most.
//!
//! Constants of the job's type, not arguments of an enqueue: that a kind is retried eight times is
//! a fact about the kind, and an operator must be able to read it in one place.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// How a kind of job is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Errors before the job becomes a dead letter, at most [`MAX_ATTEMPTS`]; crashes and interruptions are counted apart.
    pub max_attempts: i16,
    /// The first retry waits up to twice this long; each further one up to twice as long as the one before.
    pub backoff: Duration,
    /// No retry waits longer than this.
    pub backoff_max: Duration,
    /// A run longer than this is stopped and counts as an error.
    pub timeout: Duration,
    /// 0 (usual) to 9; each step is worth a minute of age, so that nothing starves.
    pub priority: i16,
}

/// The largest budget: the history of a job holds each attempt of it (`queue.remember`).
pub const MAX_ATTEMPTS: i16 = 50;

impl Policy {
    /// Eight attempts over about half an hour, a minute each.
    pub const DEFAULT: Self = Self {
        max_attempts: 8,
        backoff: Duration::from_secs(2),
        backoff_max: Duration::from_secs(15 * 60),
        timeout: Duration::from_secs(60),
        priority: 0,
    };

    /// The wait before the attempt that follows `errors` failed ones: exponential with full jitter.
    /// `unit` in `[0, 1)` is the jitter's draw.
    #[must_use]
    pub fn delay(&self, errors: i16, unit: f64) -> Duration {
        let mut series = ExponentialBackoff {
            current_interval: self.backoff,
            initial_interval: self.backoff,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: self.backoff_max,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        let mut ceiling = self.backoff;
        for _ in 0..errors.clamp(1, 64) {
            ceiling = series.next_backoff().unwrap_or(self.backoff_max);
        }
        // Full jitter over [ceiling/20, ceiling): never zero, so that a failing dependency is not asked again at once by
        // everyone; and nothing is cut off at the maximum, or many would come back at that very instant.
        ceiling.min(self.backoff_max).mul_f64(0.05 + unit.clamp(0.0, 1.0) * 0.95)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_stay_under_the_maximum() {
        let policy = Policy::DEFAULT;
        let mid = |n| policy.delay(n, 0.5);
        assert!(mid(1) < mid(2) && mid(2) < mid(3));
        for errors in 1..200 {
            let delay = policy.delay(errors, 0.999);
            assert!(delay <= policy.backoff_max && !delay.is_zero());
        }
    }

    #[test]
    fn jitter_spreads_one_attempt() {
        let policy = Policy::DEFAULT;
        assert!(policy.delay(3, 0.99) > policy.delay(3, 0.01) * 5);
        let late: std::collections::BTreeSet<Duration> =
            (0..100).map(|n| policy.delay(64, f64::from(n) / 100.0)).collect();
        assert_eq!(late.len(), 100, "at the maximum too");
    }
}
