//! A rate in memory (GCRA): a bucket is the instant at which it is full again.

use chrono::{DateTime, TimeDelta, Utc};

use crate::lanes::Rate;

#[derive(Clone, Copy)]
struct Rated {
    rate: Rate,
    full_at: DateTime<Utc>,
}

pub(super) struct Bucket {
    now: Rated,
    /// One of a rate before this one, to which more was owed than this one can owe.
    before: Option<Rated>,
}

#[expect(clippy::cast_possible_truncation, reason = "nanoseconds of a test's rates")]
const fn whole(n: f64) -> i64 {
    n as i64
}

impl Rated {
    fn step(self, units: f64) -> TimeDelta {
        TimeDelta::nanoseconds(whole(units * 1e9 / self.rate.per_second))
    }

    fn lent(self, now: DateTime<Utc>) -> f64 {
        (self.full_at.max(now) - now).as_seconds_f64() * self.rate.per_second
    }
}

impl Bucket {
    pub(super) const fn full(rate: Rate, now: DateTime<Utc>) -> Self {
        Self { now: Rated { rate, full_at: now }, before: None }
    }

    /// Puts another rate into force: what was lent is owed under it, up to an empty bucket and what one dear job took
    /// beyond it. The rest is paid back at the old rate, for as long as no rate is set that lends as much.
    pub(super) fn turn_to(&mut self, rate: Rate, now: DateTime<Utc>) {
        if rate == self.now.rate {
            return;
        }
        let owed = self.before.filter(|before| before.lent(now) > self.now.lent(now)).unwrap_or(self.now);
        let lent = owed.lent(now);
        let beyond = (lent - f64::from(owed.rate.burst)).max(0.0);
        let kept = lent.min(f64::from(rate.burst) + beyond);
        self.now = Rated { rate, full_at: now };
        self.now.full_at += self.now.step(kept);
        self.before = Some(owed).filter(|_| lent > kept);
    }

    /// From when so many units pass. A job dearer than the whole burst passes once the bucket is full.
    pub(super) fn passes_at(&self, units: i32, now: DateTime<Utc>) -> DateTime<Utc> {
        let (units, burst) = (units.min(self.now.rate.burst), self.now.rate.burst);
        self.now.full_at.max(now) + self.now.step(f64::from(units)) - self.now.step(f64::from(burst))
    }

    /// Whole units that it has now.
    pub(super) fn free(&self, now: DateTime<Utc>) -> i64 {
        let room = now + self.now.step(f64::from(self.now.rate.burst)) - self.now.full_at.max(now);
        whole((room.as_seconds_f64() * self.now.rate.per_second + 1e-6).floor()).max(0)
    }

    pub(super) fn take(&mut self, units: f64, now: DateTime<Utc>) {
        self.now.full_at = self.now.full_at.max(now) + self.now.step(units);
    }
}
