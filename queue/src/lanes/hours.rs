//! When jobs may start: openings by the day of the week and the clock of a place.
//!
//! Redis knows no time zones. The keeper computes the opening that is, or comes next, and writes its two instants; a
//! claim compares them with the queue's time. Until the keeper has written the next one, an opening that is over stays shut.
//! Clocks that are set: a time that does not exist that day (spring) is the instant at which the clock jumps, one that
//! exists twice (autumn) opens at the first and closes at the second, so that no opening is lost.

use chrono::{
    DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc, Weekday,
};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Opening hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    /// Whose clock.
    pub zone: Tz,
    /// When it is open; they may touch and overlap.
    pub openings: Vec<Opening>,
}

/// One opening, on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The days on which it begins.
    pub days: Vec<Weekday>,
    /// From when.
    pub opens: NaiveTime,
    /// Until when; on the next day where that is not later than `opens`.
    pub closes: NaiveTime,
}

/// Days looked ahead: every day of the week comes, and one more for an opening over midnight.
const AHEAD: u64 = 8;
/// Openings of one key.
const MOST: usize = 50;

impl Hours {
    /// Whether there is an opening at all, and not too many.
    #[must_use]
    pub fn is_fit(&self) -> bool {
        (1..=MOST).contains(&self.openings.len()) && self.openings.iter().all(|opening| !opening.days.is_empty())
    }

    /// The opening at `now`, or else the next one, from its beginning to its end. Openings that touch are one, up to
    /// about a week.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let today = now.with_timezone(&self.zone).date_naive();
        // One that began yesterday may still be open.
        let first = today.checked_sub_days(Days::new(1))?;
        let mut all: Vec<_> = (0..=AHEAD)
            .filter_map(|day| first.checked_add_days(Days::new(day)))
            .flat_map(|day| self.on(day))
            .filter(|(opens, closes)| closes > opens)
            .collect();
        all.sort_unstable();
        let mut found: Option<(DateTime<Utc>, DateTime<Utc>)> = None;
        for (opens, closes) in all {
            match &mut found {
                Some((_, end)) if opens <= *end => *end = closes.max(*end),
                Some((_, end)) if *end > now => break,
                _ => found = Some((opens, closes)),
            }
        }
        found.filter(|(_, closes)| *closes > now)
    }

    /// The openings that begin on `day`.
    fn on(&self, day: NaiveDate) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let begins = self.openings.iter().filter(move |opening| opening.days.contains(&day.weekday()));
        begins.filter_map(move |opening| {
            let over_midnight = opening.closes <= opening.opens;
            let last = if over_midnight { day.checked_add_days(Days::new(1))? } else { day };
            Some((self.instant(day, opening.opens, false)?, self.instant(last, opening.closes, true)?))
        })
    }

    fn instant(&self, day: NaiveDate, time: NaiveTime, latest: bool) -> Option<DateTime<Utc>> {
        let wanted = day.and_time(time);
        let found = self.zone.from_local_datetime(&wanted);
        if let Some(at) = if latest { found.latest() } else { found.earliest() } {
            return Some(at.with_timezone(&Utc));
        }
        // The clock jumps over it: the first whole minute after the gap is the jump.
        let minute = wanted.with_second(0)?;
        let later = (1..=24 * 60).filter_map(|minutes| minute.checked_add_signed(TimeDelta::minutes(minutes)));
        let mut after = later.filter_map(|later| self.zone.from_local_datetime(&later).earliest());
        after.next().map(|at| at.with_timezone(&Utc))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(zone: Tz, openings: &[(&[Weekday], &str, &str)]) -> Hours {
        let time = |text: &str| text.parse().unwrap();
        let openings = openings
            .iter()
            .map(|(days, opens, closes)| Opening { days: days.to_vec(), opens: time(opens), closes: time(closes) })
            .collect();
        Hours { zone, openings }
    }

    fn next(hours: &Hours, now: &str) -> Option<(String, String)> {
        let told = |at: DateTime<Utc>| at.format("%m-%dT%H:%M").to_string();
        hours.next(now.parse().unwrap()).map(|(opens, closes)| (told(opens), told(closes)))
    }

    fn span(opens: &str, closes: &str) -> Option<(String, String)> {
        Some((opens.to_owned(), closes.to_owned()))
    }

    const ALL: &[Weekday] =
        &[Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

    #[test]
    fn the_opening_that_is_or_comes_next() {
        let shop =
            hours(Tz::UTC, &[(&[Weekday::Mon], "09:00:00", "12:00:00"), (&[Weekday::Mon], "13:00:00", "17:00:00")]);
        // 2026-11-23 is a Monday.
        assert_eq!(next(&shop, "2026-11-23T08:00:00Z"), span("11-23T09:00", "11-23T12:00"));
        assert_eq!(next(&shop, "2026-11-23T09:00:00Z"), span("11-23T09:00", "11-23T12:00"));
        assert_eq!(next(&shop, "2026-11-23T12:00:00Z"), span("11-23T13:00", "11-23T17:00"));
        assert_eq!(next(&shop, "2026-11-23T17:00:00Z"), span("11-30T09:00", "11-30T12:00"));
    }

    #[test]
    fn over_midnight_and_all_day() {
        let night = hours(Tz::UTC, &[(&[Weekday::Mon], "22:00:00", "02:00:00")]);
        assert_eq!(next(&night, "2026-11-24T01:00:00Z"), span("11-23T22:00", "11-24T02:00"));
        let always = hours(Tz::UTC, &[(ALL, "00:00:00", "00:00:00")]);
        let (opens, closes) = always.next("2026-11-23T12:00:00Z".parse().unwrap()).unwrap();
        assert!(closes - opens > TimeDelta::days(7), "touching openings are one");
    }

    #[test]
    fn no_opening_is_lost_when_clocks_are_set() {
        let chicago: Tz = "America/Chicago".parse().unwrap();
        // 2027-03-14: 02:00 CST becomes 03:00 CDT (08:00 UTC).
        let spring = hours(chicago, &[(&[Weekday::Sun], "02:30:00", "04:00:00")]);
        assert_eq!(next(&spring, "2027-03-14T00:00:00Z"), span("03-14T08:00", "03-14T09:00"));
        // 2026-11-01: 02:00 CDT becomes 01:00 CST: 01:30 is at 06:30 and at 07:30 UTC.
        let autumn = hours(chicago, &[(&[Weekday::Sun], "00:30:00", "01:30:00")]);
        assert_eq!(next(&autumn, "2026-11-01T00:00:00Z"), span("11-01T05:30", "11-01T07:30"));
        // Nine o'clock is nine o'clock on both sides of the change.
        let daily = hours(chicago, &[(ALL, "09:00:00", "17:00:00")]);
        assert_eq!(next(&daily, "2027-03-13T00:00:00Z"), span("03-13T15:00", "03-13T23:00"));
        assert_eq!(next(&daily, "2027-03-14T00:00:00Z"), span("03-14T14:00", "03-14T22:00"));
    }

    #[test]
    fn it_is_kept_as_json() {
        let json =
            r#"{"zone":"America/Chicago","openings":[{"days":["Mon","Fri"],"opens":"09:00:00","closes":"17:30:00"}]}"#;
        let read: Hours = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}
