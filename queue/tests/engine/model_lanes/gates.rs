//! What is set on one key of the model, and whether it lets a job pass at an hour.

use uuid::Uuid;

/// Parts of a cost unit: rates of the model are whole numbers of them an hour.
pub const PARTS: i64 = 12;
/// Never.
pub const NEVER: i64 = i64::MAX;
const WEEK: i64 = 7 * 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// An hour.
    pub parts: i64,
    /// Units.
    pub burst: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub failures: i32,
    pub within: i64,
    pub open_for: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct Open {
    pub until: i64,
    times: u32,
    /// Who tries, after that.
    pub probe: Option<Uuid>,
}

/// What a bucket has lent and gets back, hour by hour: also while its rate is lifted, and at the rate that it had.
#[derive(Debug, Clone, Copy, Default)]
struct Debt {
    parts: i64,
    an_hour: i64,
    /// Units that it holds.
    burst: i64,
    at: i64,
}

#[derive(Debug, Clone, Default)]
pub struct Gate {
    pub most: Option<i32>,
    pub rate: Option<Rate>,
    pub hours: Option<(i64, i64)>,
    pub rule: Option<Rule>,
    pub weight: Option<f64>,
    /// Until when.
    pub pause: Option<i64>,
    pub penalty: i64,
    pub open: Option<Open>,
    /// Failures in a row, and until when they count.
    failed: (i32, i64),
    debt: Debt,
    /// Until when the bucket may be kept for a job that is too dear for what is in it.
    pub kept: i64,
    /// It may have opened without a word to those who wait there: they look again within a second.
    pub lags: bool,
}

impl Gate {
    pub fn lent(&self, now: i64) -> i64 {
        (self.debt.parts - self.debt.an_hour * (now - self.debt.at)).max(0)
    }

    fn owe(&mut self, rate: Rate, parts: i64, now: i64) {
        self.debt = Debt { parts, an_hour: rate.parts, burst: rate.burst, at: now };
    }

    /// Nothing is given twice: what is in the bucket stays in it, as far as the new one holds as much. One that nobody
    /// remembers begins full.
    pub fn set_rate(&mut self, rate: Option<Rate>, now: i64) {
        if rate == self.rate {
            return;
        }
        let lent = self.lent(now);
        if let Some(new) = rate {
            let grown = (new.burst - self.debt.burst) * PARTS;
            let is_known = self.rate.is_some() || lent > 0;
            self.owe(new, if is_known { (lent + grown).max(0) } else { 0 }, now);
        }
        self.rate = rate;
    }

    pub fn charge(&mut self, units: i64, now: i64) {
        if let Some(rate) = self.rate {
            self.owe(rate, self.lent(now) + units * PARTS, now);
        }
    }

    /// Nobody knows what the bucket had lent: it begins empty.
    pub fn drain(&mut self, now: i64) {
        if let Some(rate) = self.rate {
            self.owe(rate, self.lent(now).max(rate.burst * PARTS), now);
        }
    }

    /// What lives in Redis only is gone.
    pub fn forget(&mut self) {
        *self = Self {
            most: self.most,
            rate: self.rate,
            hours: self.hours,
            rule: self.rule,
            weight: self.weight,
            pause: self.pause,
            ..Self::default()
        };
    }

    /// The hour from which the bucket lets a job of this cost pass; one dearer than all of it passes a full one.
    pub fn affords(&self, cost: i64, now: i64) -> i64 {
        let Some(rate) = self.rate else { return now };
        let over = self.lent(now) + (cost.min(rate.burst) - rate.burst) * PARTS;
        now + over.max(0).div_euclid(rate.parts) + i64::from(over.max(0) % rate.parts > 0)
    }

    /// The whole units in the bucket.
    pub fn left(&self, now: i64) -> i64 {
        self.rate.map_or(NEVER, |rate| ((rate.burst * PARTS - self.lent(now)) / PARTS).max(0))
    }

    /// The hour until which it is shut for everybody: a pause, a penalty, the hours, an open breaker.
    pub fn shut_until(&self, now: i64) -> i64 {
        self.pause.unwrap_or(now).max(self.stopped_until(now))
    }

    /// The same for what runs already: a pause lets it come to its end.
    pub fn stopped_until(&self, now: i64) -> i64 {
        let hours = match self.hours {
            Some((_, closes)) if now >= closes => now + 1,
            Some((opens, _)) => opens,
            None => now,
        };
        self.penalty.max(hours).max(self.open.map_or(now, |open| open.until)).max(now)
    }

    pub fn report(&mut self, ok: bool, now: i64) {
        let Some(rule) = self.rule else { return };
        if self.open.is_some_and(|open| open.until > now) {
            return;
        }
        if ok {
            (self.open, self.failed) = (None, (0, 0));
        } else if let Some(open) = self.open {
            self.open = Some(Self::trip(rule, open.times, now));
        } else {
            self.failed = if self.failed.1 > now { (self.failed.0 + 1, self.failed.1) } else { (1, now + rule.within) };
            if self.failed.0 >= rule.failures {
                (self.open, self.failed) = (Some(Self::trip(rule, 0, now)), (0, 0));
            }
        }
    }

    fn trip(rule: Rule, times: u32, now: i64) -> Open {
        let until = now + rule.open_for * 2_i64.pow(times.min(10)).min(10);
        Open { until, times: times + 1, probe: None }
    }

    /// What the keeper writes once an opening is over: the next.
    pub fn next_opening(&mut self, now: i64) {
        while let Some((opens, closes)) = self.hours.filter(|(_, closes)| *closes <= now) {
            self.hours = Some((opens + WEEK, closes + WEEK));
        }
    }
}
