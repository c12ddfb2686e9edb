//! A cron rule in a time zone, and the instants at which it ticks.
//!
//! The `cron` crate finds the times of day at which a rule matches; it is asked about wall clocks without a zone, and
//! here they become instants. Asked about zoned times it drops what falls into a skipped hour, which loses a daily tick
//! once a year. What holds instead, in every zone and for shifts of any length:
//!
//! - **A rule that names hours** (`0 30 2 * * *`) ticks once for each of its times of day. Where the clocks skip that time it
//!   ticks at the first instant after the gap (several skipped times are one tick there); where they repeat it, at the
//!   first occurrence.
//! - **A rule for every hour** (`*` in the hours) follows real time: it ticks in both passes of a repeated hour, and a
//!   skipped time ticks as long after the gap began as it stands in it, which for gaps of whole hours is where the
//!   rule ticks anyway (RFC 5545 reads skipped times so, too).
//!
//! Ticks depend on the rule alone, never on where one starts to look: [`Rule::next`] of any instant is the first tick
//! after it. Broken by a zone that shifts twice within [`REACH`]; there is none since 1970.

use std::str::FromStr as _;

use chrono::offset::Offset as _;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::{GapInfo, Tz};
use cron::TimeUnitSpec as _;

/// How far around an instant the shifts of its zone are looked for: more than the largest difference of two offsets.
const REACH: TimeDelta = TimeDelta::hours(30);
/// Between the wall clock, read as UTC, and any instant at which it may read so: more than the largest offset.
const BEFORE: TimeDelta = TimeDelta::hours(15);
const TICK: TimeDelta = TimeDelta::nanoseconds(1);
/// Fields of a rule: seconds, minutes, hours, days, months, weekdays, and perhaps years.
const WEEKDAYS: usize = 5;

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It cannot be parsed.
    #[error("not a cron rule: {0}")]
    Cron(String),
    /// Weekdays are named: some crons begin the week with 0, some with 1, on a Sunday or on a Monday.
    #[error("weekdays are written as names (Mon, Tue-Fri): their numbers mean different days in different crons")]
    WeekdayNumber,
    /// No such zone.
    #[error("{0:?} is not an IANA time zone")]
    Zone(String),
}

/// When something is to happen.
#[derive(Debug, Clone)]
pub struct Rule {
    cron: cron::Schedule,
    zone: Tz,
    every_hour: bool,
}

/// A change of a zone's offset.
#[derive(Debug, Clone, Copy)]
struct Shift {
    /// The first instant with the new offset.
    at: DateTime<Utc>,
    before: TimeDelta,
    after: TimeDelta,
}

impl Rule {
    /// The rule of a cron expression in an IANA zone. Six fields (seconds first) or seven (a year last); with five, the
    /// second is 0. A day must fit both the days and the weekdays of the expression.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn new(cron: &str, zone: &str) -> Result<Self, RuleError> {
        let tz = Tz::from_str(zone).map_err(|_| RuleError::Zone(zone.to_owned()))?;
        Self::in_zone(cron, tz)
    }

    /// As [`new`](Self::new), in a zone that is known already.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub fn in_zone(cron: &str, zone: Tz) -> Result<Self, RuleError> {
        let mut fields: Vec<&str> = cron.split_whitespace().collect();
        if fields.len() == WEEKDAYS {
            fields.insert(0, "0");
        }
        if fields.get(WEEKDAYS).is_some_and(|field| field.contains(|c: char| c.is_ascii_digit())) {
            return Err(RuleError::WeekdayNumber);
        }
        if let Some(field) = fields.iter().find(|field| field.split(',').any(|part| part.ends_with("/0"))) {
            return Err(RuleError::Cron(format!("a step of 0 in {field}")));
        }
        let cron = cron::Schedule::from_str(&fields.join(" ")).map_err(|error| RuleError::Cron(error.to_string()))?;
        let every_hour = cron.hours().iter().count() == 24;
        Ok(Self { cron, zone, every_hour })
    }

    /// The expression.
    #[must_use]
    pub fn cron(&self) -> &str {
        self.cron.source()
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The first tick after `after`; none once the rule's years (2100 at the latest) are over.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.every_hour { self.next_real(after) } else { self.next_named(after) }
    }

    /// The ticks after `after`, one after the other.
    pub fn ticks(&self, after: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        std::iter::successors(self.next(after), |tick| self.next(*tick))
    }

    /// The first tick at `from` or after it.
    #[must_use]
    pub fn from(&self, from: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.next(from - TICK)
    }

    /// The last tick after `after` that is not after `until`, in about as many steps as the span has binary digits of
    /// seconds: a rule of seconds and a downtime of weeks are no loop.
    #[must_use]
    pub fn latest(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut tick = self.next(after).filter(|tick| *tick <= until)?;
        let (mut known, mut last) = (tick.timestamp(), until.timestamp());
        while known < last {
            let middle = known + (last - known + 1) / 2;
            match DateTime::from_timestamp(middle, 0).and_then(|at| self.from(at)).filter(|found| *found <= until) {
                Some(found) => (tick, known) = (found, found.timestamp()),
                None => last = middle - 1,
            }
        }
        Some(tick)
    }

    /// As [`next`](Self::next), each named time of day once.
    fn next_named(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut wall = self.first_pass_over(after);
        loop {
            wall = self.matching(wall)?;
            let at = match self.zone.from_local_datetime(&wall) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
                LocalResult::None => GapInfo::new(&wall, &self.zone)?.end?.to_utc(),
            };
            if at > after {
                return Some(at);
            }
        }
    }

    /// The wall clock from which on times of day are still to come: its own reading, or in the second pass of a
    /// repeated time the end of that.
    fn first_pass_over(&self, now: DateTime<Utc>) -> NaiveDateTime {
        let wall = now.with_timezone(&self.zone).naive_local();
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Ambiguous(first, second) if now >= second.to_utc() => self
                .shift(first.to_utc(), second.to_utc())
                .map_or(wall, |shift| (shift.at + shift.before).naive_utc() - TICK),
            _ => wall,
        }
    }

    /// As [`next`](Self::next), in real time.
    fn next_real(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let offset = self.offset(after);
        let horizon = after + REACH;
        let coming = self.shift(after, horizon);
        let now = self.matching((after + offset).naive_utc()).and_then(|wall| {
            let at = wall.and_utc() - offset;
            match coming {
                // A skipped time keeps its distance from the gap's beginning.
                Some(shift) if at >= shift.at => (at < shift.at + shift.skipped()).then_some(at),
                None if at > horizon => self.next_real(wall.and_utc() - BEFORE),
                _ => Some(at),
            }
        });
        let then = coming.and_then(|shift| {
            let wall = self.matching((shift.at + shift.after).naive_utc() - TICK)?;
            let at = wall.and_utc() - shift.after;
            if at > horizon { self.next_real(wall.and_utc() - BEFORE) } else { Some(at) }
        });
        let passed = self.shift(after - REACH, after).filter(|shift| after < shift.at + shift.skipped());
        let made_up = passed.and_then(|shift| {
            let at = self.matching((after + shift.before).naive_utc())?.and_utc() - shift.before;
            (at < shift.at + shift.skipped()).then_some(at)
        });
        [now, then, made_up].into_iter().flatten().min()
    }

    /// The first wall clock after `wall` that the expression matches.
    fn matching(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.cron.after(&wall.and_utc()).next().map(|at| at.naive_utc())
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        TimeDelta::seconds(self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
    }

    /// The shift after `from` and not after `to`.
    fn shift(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Shift> {
        let (before, after) = (self.offset(from), self.offset(to));
        if before == after {
            return None;
        }
        let (mut old, mut new) = (from.timestamp(), to.timestamp());
        while new - old > 1 {
            let middle = old + (new - old) / 2;
            if self.offset(DateTime::from_timestamp(middle, 0)?) == before { old = middle } else { new = middle }
        }
        Some(Shift { at: DateTime::from_timestamp(new, 0)?, before, after })
    }
}

impl Shift {
    /// How much of the wall clock it skips; nothing where it repeats.
    fn skipped(self) -> TimeDelta {
        (self.after - self.before).max(TimeDelta::zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The ticks of a rule in a span, as its own clocks show them.
    fn told(cron: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        let rule = Rule::new(cron, zone).unwrap();
        let local = |tick: DateTime<Utc>| tick.with_timezone(&rule.zone()).format("%d %H:%M %z").to_string();
        rule.ticks(at(from)).take_while(|tick| *tick < at(to)).map(local).collect()
    }

    #[test]
    fn a_daily_tick_in_the_skipped_hour_runs_right_after_it() {
        let days = told("0 30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
        assert_eq!(days, ["28 02:30 +0100", "29 03:00 +0200", "30 02:30 +0200"]);
        let often = told("0 */10 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z");
        assert_eq!(often, ["29 03:00 +0200"], "six skipped times are one tick");
        let both = told("0 0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z");
        assert_eq!(both, ["29 03:00 +0200"], "the skipped one and that of the gap's end are one");
    }

    #[test]
    fn a_daily_tick_in_the_repeated_hour_runs_once_at_the_first_occurrence() {
        let days = told("0 30 1 * * *", "Europe/London", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(days, ["25 01:30 +0100", "26 01:30 +0000"]);
        let rule = Rule::new("0 30 1 * * *", "Europe/London").unwrap();
        assert_eq!(rule.next(at("2026-10-25T01:10:00Z")), Some(at("2026-10-26T01:30:00Z")), "asked in the second pass");
    }

    #[test]
    fn a_rule_for_every_hour_runs_each_real_hour() {
        let fall = told("0 30 * * * *", "Europe/London", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(fall, ["25 00:30 +0100", "25 01:30 +0100", "25 01:30 +0000", "25 02:30 +0000"]);
        let spring = told("0 30 * * * *", "Europe/London", "2026-03-28T23:00:00Z", "2026-03-29T03:00:00Z");
        assert_eq!(spring, ["28 23:30 +0000", "29 00:30 +0000", "29 02:30 +0100", "29 03:30 +0100"]);
    }

    #[test]
    fn half_an_hour_skipped_or_repeated_costs_no_hour_its_tick() {
        let spring = told("0 0 * * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z", "2026-10-03T17:30:00Z");
        assert_eq!(spring, ["04 01:00 +1030", "04 02:30 +1100", "04 03:00 +1100", "04 04:00 +1100"]);
        let fall = told("0 45 * * * *", "Australia/Lord_Howe", "2026-04-04T13:30:00Z", "2026-04-04T16:30:00Z");
        assert_eq!(fall, ["05 00:45 +1100", "05 01:45 +1100", "05 01:45 +1030", "05 02:45 +1030"]);
    }

    #[test]
    fn a_day_that_a_zone_left_out_loses_no_tick() {
        // Samoa had no 30 December 2011.
        let days = told("0 0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z");
        assert_eq!(days, ["29 09:00 -1000", "31 00:00 +1400", "31 09:00 +1400"]);
    }

    #[test]
    fn what_is_no_rule_says_why() {
        for (cron, zone) in [("", "UTC"), ("* * *", "UTC"), ("61 * * * * *", "UTC"), ("0 */0 * * * *", "UTC")] {
            assert!(matches!(Rule::new(cron, zone), Err(RuleError::Cron(_))), "{cron}");
        }
        assert_eq!(Rule::new("0 0 9 * * 1", "UTC").err(), Some(RuleError::WeekdayNumber));
        assert_eq!(Rule::new("0 9 * * 1-5", "UTC").err(), Some(RuleError::WeekdayNumber));
        assert_eq!(Rule::new("0 0 9 * * *", "Mars/Base").err(), Some(RuleError::Zone("Mars/Base".into())));
        let unix = Rule::new("30 9 * * Mon-Fri", "UTC").unwrap();
        assert_eq!(unix.next(at("2026-11-21T00:00:00Z")), Some(at("2026-11-23T09:30:00Z")), "five fields: second 0");
    }

    #[test]
    fn a_rule_without_a_tick_says_so() {
        assert_eq!(Rule::new("0 0 0 30 Feb *", "UTC").unwrap().next(at("2026-01-01T00:00:00Z")), None);
        assert_eq!(Rule::new("0 0 0 1 1 * 2020", "UTC").unwrap().next(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn the_latest_tick_is_found_over_any_span() {
        let secondly = Rule::new("* * * * * *", "UTC").unwrap();
        let now = at("2026-01-01T00:00:00.7Z");
        assert_eq!(secondly.latest(at("1996-01-01T00:00:00Z"), now), Some(at("2026-01-01T00:00:00Z")));
        let yearly = Rule::new("0 0 0 1 Jan *", "UTC").unwrap();
        assert_eq!(
            yearly.latest(at("2025-06-01T00:00:00Z"), at("2026-01-05T12:00:00Z")),
            Some(at("2026-01-01T00:00:00Z"))
        );
        assert_eq!(yearly.latest(at("2026-01-01T00:00:00Z"), at("2026-12-05T12:00:00Z")), None);
    }
}
