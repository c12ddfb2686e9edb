//! Opening hours on the wire.

use chrono::{NaiveTime, Weekday};
use patchbay_queue::lanes::{Hours, Opening};
use poem_openapi::{Enum, Object};

use crate::http::Problem;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum WeekDay {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

const DAYS: [(WeekDay, Weekday); 7] = [
    (WeekDay::Monday, Weekday::Mon),
    (WeekDay::Tuesday, Weekday::Tue),
    (WeekDay::Wednesday, Weekday::Wed),
    (WeekDay::Thursday, Weekday::Thu),
    (WeekDay::Friday, Weekday::Fri),
    (WeekDay::Saturday, Weekday::Sat),
    (WeekDay::Sunday, Weekday::Sun),
];

/// An opening, on some days of the week.
#[derive(Debug, Clone, Object)]
pub struct OpeningTime {
    /// The days on which it begins.
    #[oai(validator(min_items = 1, max_items = 7))]
    pub days: Vec<WeekDay>,
    /// From when, by the clock of the zone.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub opens: String,
    /// Until when; on the next day where that is not later than `opens`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub closes: String,
}

/// When jobs may start. Outside of it they wait; what runs goes on.
#[derive(Debug, Clone, Object)]
pub struct OpeningHours {
    /// Whose clock: a zone of the IANA database, such as `America/Chicago`.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub timezone: String,
    /// When it is open.
    #[oai(validator(min_items = 1, max_items = 50))]
    pub openings: Vec<OpeningTime>,
}

impl OpeningHours {
    /// The wire form of `hours`.
    pub(super) fn of(hours: &Hours) -> Self {
        let clock = |time: NaiveTime| time.format("%H:%M").to_string();
        let openings = hours.openings.iter().map(|opening| OpeningTime {
            days: DAYS.iter().filter(|(_, day)| opening.days.contains(day)).map(|(day, _)| *day).collect(),
            opens: clock(opening.opens),
            closes: clock(opening.closes),
        });
        Self { timezone: hours.zone.name().to_owned(), openings: openings.collect() }
    }

    /// As the engine takes them.
    ///
    /// # Errors
    /// `validation_failed` for a zone that does not exist.
    pub(super) fn read(&self) -> Result<Hours, Problem> {
        let zone = self.timezone.parse().map_err(|_| {
            let detail = "Not a time zone of the IANA database, such as America/Chicago.";
            Problem::refused("/hours/timezone", "unknown", detail)
        })?;
        let clock = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").map_err(Problem::internal);
        let openings = self.openings.iter().map(|opening| {
            let days = DAYS.iter().filter(|(day, _)| opening.days.contains(day)).map(|(_, day)| *day).collect();
            Ok(Opening { days, opens: clock(&opening.opens)?, closes: clock(&opening.closes)? })
        });
        Ok(Hours { zone, openings: openings.collect::<Result<_, Problem>>()? })
    }
}
