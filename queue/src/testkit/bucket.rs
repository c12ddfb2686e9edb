//! A rate in memory (GCRA): a bucket is the instant at which it is full again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::lanes::Rate;

pub(super) struct Bucket {
    rate: Rate,
    full_at: DateTime<Utc>,
}

#[expect(clippy::cast_possible_truncation, reason = "nanoseconds of a test's rates")]
const fn whole(n: f64) -> i64 {
    n as i64
}

impl Bucket {
    pub(super) const fn full(rate: Rate, now: DateTime<Utc>) -> Self {
        Self { rate, full_at: now }
    }

    fn step(&self, units: f64) -> TimeDelta {
        TimeDelta::nanoseconds(whole(units * 1e9 / self.rate.per_second))
    }

    pub(super) fn is_full(&self, now: DateTime<Utc>) -> bool {
        self.full_at <= now
    }

    /// Puts another rate into force: what is in the bucket stays in it, as far as the new one holds as much.
    pub(super) fn turn_to(&mut self, rate: Rate, now: DateTime<Utc>) {
        let lent = (self.full_at.max(now) - now).as_seconds_f64() * self.rate.per_second;
        let owed = lent + f64::from(rate.burst - self.rate.burst);
        self.rate = rate;
        self.full_at = now + self.step(owed.max(0.0));
    }

    /// From when so many units pass. A job dearer than the whole burst passes once the bucket is full.
    pub(super) fn passes_at(&self, units: i32, now: DateTime<Utc>) -> DateTime<Utc> {
        let (units, burst) = (units.min(self.rate.burst), self.rate.burst);
        self.full_at.max(now) + self.step(f64::from(units)) - self.step(f64::from(burst))
    }

    /// Whole units that it has now.
    pub(super) fn free(&self, now: DateTime<Utc>) -> i64 {
        let room = now + self.step(f64::from(self.rate.burst)) - self.full_at.max(now);
        whole((room.as_seconds_f64() * self.rate.per_second + 1e-6).floor()).max(0)
    }

    pub(super) fn take(&mut self, units: f64, now: DateTime<Utc>) {
        self.full_at = self.full_at.max(now) + self.step(units);
    }
}
