//! When a rule would tick.

use chrono::SecondsFormat;
use chrono_tz::Tz;
use poem_openapi::{Object, types::Example};

use crate::http::Time;

/// A rule to be tried.
#[derive(Debug, Object)]
#[oai(example)]
pub struct SchedulePreviewRequest {
    /// The rule; see a schedule's.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub cron: String,
    /// On whose clocks: an IANA zone; the tenant's where it is left out.
    #[oai(validator(max_length = 100))]
    pub time_zone: Option<String>,
    /// After which instant; now where it is left out.
    pub after: Option<Time>,
    /// How many ticks to show.
    #[oai(default = "five", validator(minimum(value = "1"), maximum(value = "100")))]
    pub count: u32,
}

const fn five() -> u32 {
    5
}

impl Example for SchedulePreviewRequest {
    fn example() -> Self {
        Self {
            cron: "0 30 2 * * *".to_owned(),
            time_zone: Some("Europe/Berlin".to_owned()),
            after: Some(Time::example()),
            count: 5,
        }
    }
}

/// A tick that is to come.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleTime {
    /// The instant.
    pub at: Time,
    /// What the clocks of the zone show then, with their offset.
    pub local: String,
}

impl ScheduleTime {
    /// The instant `at`, as shown in `zone`.
    pub fn of(at: Time, zone: Tz) -> Self {
        Self { at, local: at.0.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false) }
    }
}

impl Example for ScheduleTime {
    fn example() -> Self {
        Self::of(Time::example(), Tz::Europe__Berlin)
    }
}

/// When a rule would tick.
#[derive(Debug, Object)]
#[oai(example)]
pub struct SchedulePreview {
    /// The rule as it would be stored.
    pub cron: String,
    /// The zone of the times.
    pub time_zone: String,
    /// The ticks, in order; fewer than asked for where the rule has no more.
    pub times: Vec<ScheduleTime>,
}

impl Example for SchedulePreview {
    fn example() -> Self {
        Self {
            cron: "0 30 2 * * *".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            times: vec![ScheduleTime::example()],
        }
    }
}
