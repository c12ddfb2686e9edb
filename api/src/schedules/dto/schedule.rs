//! A schedule as it is read.

use chrono::{DateTime, Utc};
use patchbay_db::{
    TypedId,
    ids::{JobId, ScheduleId, TenantId},
};
use patchbay_domain::schedules::Action;
use patchbay_queue::schedule as engine;
use poem_openapi::{Enum, Object, types::Example};

use super::action::{ScheduleAction, ScheduleMessage};
use crate::http::{Id, Time};

/// Times that are shown of those to come.
const SHOWN: usize = 5;

/// What becomes of the ticks that a downtime swallowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ScheduleCatchUp {
    /// Nothing: a tick that is found more than a minute late is passed over.
    None,
    /// The last of them happens, however late.
    Last,
    /// All of them happen, the oldest first; each tick has a job of its own, also while that of the tick before goes on.
    All,
}

impl From<ScheduleCatchUp> for engine::CatchUp {
    fn from(catch_up: ScheduleCatchUp) -> Self {
        match catch_up {
            ScheduleCatchUp::None => Self::None,
            ScheduleCatchUp::Last => Self::Last,
            ScheduleCatchUp::All => Self::All,
        }
    }
}

impl From<engine::CatchUp> for ScheduleCatchUp {
    fn from(catch_up: engine::CatchUp) -> Self {
        match catch_up {
            engine::CatchUp::None => Self::None,
            engine::CatchUp::Last => Self::Last,
            engine::CatchUp::All => Self::All,
        }
    }
}

/// Whether a schedule ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ScheduleState {
    /// It ticks.
    Active,
    /// Somebody paused it.
    Paused,
    /// Its rule has no tick to come.
    Ended,
    /// Its rule cannot be read any more; `fault` says why. Store it again.
    Faulty,
}

/// A rule, and what happens at its times.
#[derive(Debug, Object)]
#[oai(example)]
pub struct Schedule {
    /// Its id.
    pub id: Id<ScheduleId>,
    /// Whose it is; `tnt_00000000000000000000000000` for those that come with the program.
    pub tenant_id: Id<TenantId>,
    /// What people call it.
    pub name: String,
    /// When: a cron rule of seconds, minutes, hours, days, months, weekdays, and perhaps years.
    pub cron: String,
    /// On whose clocks: an IANA zone.
    pub time_zone: String,
    /// What becomes of the ticks that a downtime swallowed.
    pub catch_up: ScheduleCatchUp,
    /// What a tick does; null for those that come with the program.
    pub action: Option<ScheduleAction>,
    /// Whether it ticks.
    pub state: ScheduleState,
    /// Why its rule cannot be read.
    pub fault: Option<String>,
    /// When it ticks next; null where it does not.
    pub next_at: Option<Time>,
    /// The next five ticks, fewer where its rule has no more. Not in lists.
    pub next_times: Option<Vec<Time>>,
    /// The last tick that was taken.
    pub last_tick_at: Option<Time>,
    /// The job of that tick.
    pub last_job_id: Option<Id<JobId>>,
    /// How late that tick was taken.
    pub lateness_seconds: Option<f64>,
    /// Since when it is paused.
    pub paused_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed; ticks do not count.
    pub updated_at: Time,
}

impl Schedule {
    /// The wire form, without the times to come.
    pub fn listed(schedule: engine::Schedule) -> Self {
        let state = match &schedule {
            engine::Schedule { fault: Some(_), .. } => ScheduleState::Faulty,
            engine::Schedule { paused_at: Some(_), .. } => ScheduleState::Paused,
            engine::Schedule { next_at: None, .. } => ScheduleState::Ended,
            _ => ScheduleState::Active,
        };
        Self {
            id: Id(ScheduleId::from_uuid(schedule.id)),
            tenant_id: Id(TenantId::from_uuid(schedule.tenant_id)),
            name: schedule.name,
            cron: schedule.cron,
            time_zone: schedule.time_zone,
            catch_up: schedule.catch_up.into(),
            action: serde_json::from_value::<Action>(schedule.action).ok().map(ScheduleAction::from),
            state,
            fault: schedule.fault,
            next_at: schedule.next_at.map(Time),
            next_times: None,
            last_tick_at: schedule.last_tick.map(Time),
            last_job_id: schedule.last_job.map(|job| Id(JobId::from_uuid(job))),
            lateness_seconds: schedule.lateness_ms.map(seconds),
            paused_at: schedule.paused_at.map(Time),
            created_at: Time(schedule.created_at),
            updated_at: Time(schedule.updated_at),
        }
    }

    /// The wire form, with the times to come.
    pub fn shown(schedule: engine::Schedule) -> Self {
        let coming: Vec<DateTime<Utc>> = match (schedule.rule(), schedule.next_at) {
            (Ok(rule), Some(next)) => std::iter::once(next).chain(rule.ticks(next)).take(SHOWN).collect(),
            _ => Vec::new(),
        };
        Self { next_times: Some(coming.into_iter().map(Time).collect()), ..Self::listed(schedule) }
    }
}

fn seconds(milliseconds: i64) -> f64 {
    f64::from(i32::try_from(milliseconds).unwrap_or(i32::MAX)) / 1_000.0
}

impl Example for Schedule {
    fn example() -> Self {
        Self {
            id: Id::example(),
            tenant_id: Id::example(),
            name: "Weekly check-in".to_owned(),
            cron: "0 30 9 * * Mon".to_owned(),
            time_zone: "America/Chicago".to_owned(),
            catch_up: ScheduleCatchUp::Last,
            action: Some(ScheduleAction::SendMessage(ScheduleMessage::example())),
            state: ScheduleState::Active,
            fault: None,
            next_at: Some(Time::example()),
            next_times: Some(vec![Time::example()]),
            last_tick_at: Some(Time::example()),
            last_job_id: Some(Id::example()),
            lateness_seconds: Some(0.12),
            paused_at: None,
            created_at: Time::example(),
            updated_at: Time::example(),
        }
    }
}

/// A run that was asked for.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleRun {
    /// The job that makes it.
    pub job_id: Id<JobId>,
    /// The schedule, whose own ticks go on as they would have.
    pub schedule: Schedule,
}

impl Example for ScheduleRun {
    fn example() -> Self {
        Self { job_id: Id::example(), schedule: Schedule::example() }
    }
}
