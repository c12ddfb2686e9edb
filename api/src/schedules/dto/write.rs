//! A schedule to be made, and what to change of one.

use poem_openapi::{
    Object,
    types::{Example, MaybeUndefined},
};

use super::{
    action::{ScheduleAction, ScheduleMessage},
    schedule::ScheduleCatchUp,
};

/// A schedule to be made.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleCreate {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: String,
    /// When: a cron rule of seconds, minutes, hours, days, months, weekdays, and perhaps years. With five fields the second
    /// is 0. Weekdays are names (`Mon`, `Tue-Fri`).
    #[oai(validator(min_length = 1, max_length = 200))]
    pub cron: String,
    /// On whose clocks: an IANA zone; the tenant's where it is left out.
    #[oai(validator(max_length = 100))]
    pub time_zone: Option<String>,
    /// What becomes of the ticks that a downtime swallowed; `last` where it is left out.
    pub catch_up: Option<ScheduleCatchUp>,
    /// What a tick does.
    pub action: ScheduleAction,
}

impl Example for ScheduleCreate {
    fn example() -> Self {
        Self {
            name: "Weekly check-in".to_owned(),
            cron: "0 30 9 * * Mon".to_owned(),
            time_zone: Some("America/Chicago".to_owned()),
            catch_up: Some(ScheduleCatchUp::Last),
            action: ScheduleAction::SendMessage(ScheduleMessage::example()),
        }
    }
}

/// What to change of a schedule: what is left out stays, null clears.
#[derive(Debug, Object)]
#[oai(example)]
pub struct SchedulePatch {
    /// What people call it.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub name: Option<String>,
    /// When. A changed rule counts from now on.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub cron: Option<String>,
    /// On whose clocks; null is the tenant's zone.
    #[oai(validator(max_length = 100))]
    pub time_zone: MaybeUndefined<String>,
    /// What becomes of the ticks that a downtime swallowed; null is `last`.
    pub catch_up: MaybeUndefined<ScheduleCatchUp>,
    /// What a tick does. It holds for ticks that wait already.
    pub action: Option<ScheduleAction>,
}

impl Example for SchedulePatch {
    fn example() -> Self {
        Self {
            name: None,
            cron: Some("0 0 10 * * Mon-Fri".to_owned()),
            time_zone: MaybeUndefined::Null,
            catch_up: MaybeUndefined::Undefined,
            action: None,
        }
    }
}
