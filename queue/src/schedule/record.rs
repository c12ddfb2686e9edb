//! A schedule as it is stored: its rule, what a tick does, and where it stands.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::deserialize::{self, FromSql};
use diesel::pg::{Pg, PgValue};
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::{CatchUp, Rule, RuleError};

impl FromSql<Text, Pg> for CatchUp {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let word = <String as FromSql<Text, Pg>>::from_sql(value)?;
        Self::of(&word).ok_or_else(|| format!("{word:?} is no way to catch up").into())
    }
}

macro_rules! schedule_columns {
    () => {
        "tenant_id, id, name, cron, time_zone, catch_up, action, next_at, last_tick, last_job, lateness_ms, paused_at, fault,
         created_at, updated_at"
    };
}
pub(super) use schedule_columns;

/// A stored schedule.
#[derive(Debug, Clone, QueryableByName)]
pub struct Schedule {
    /// Whose it is; the nil tenant's are the program's own.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// Its id: a UUIDv7.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What people call it; of the program's own, the name they are known by.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When.
    #[diesel(sql_type = Text)]
    pub cron: String,
    /// On whose clocks: an IANA zone.
    #[diesel(sql_type = Text)]
    pub time_zone: String,
    /// What becomes of the ticks of a downtime.
    #[diesel(sql_type = Text)]
    pub catch_up: CatchUp,
    /// What a tick does, in words of whoever makes its job.
    #[diesel(sql_type = Jsonb)]
    pub action: Value,
    /// The first tick that nobody took; none while paused, or where none is to come.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub next_at: Option<DateTime<Utc>>,
    /// The last tick that was taken.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_tick: Option<DateTime<Utc>>,
    /// The job of that tick.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub last_job: Option<Uuid>,
    /// How late that tick was taken, in milliseconds.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub lateness_ms: Option<i64>,
    /// Since when it is paused.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub paused_at: Option<DateTime<Utc>>,
    /// Why it does not tick, where its rule cannot be read any more.
    #[diesel(sql_type = Nullable<Text>)]
    pub fault: Option<String>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When somebody last changed it; ticks do not.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl Schedule {
    /// Its rule.
    ///
    /// # Errors
    /// Where a newer program reads it otherwise than the one that stored it.
    pub fn rule(&self) -> Result<Rule, RuleError> {
        Rule::new(&self.cron, &self.time_zone)
    }

    /// Changes its rule, from `now` on: ticks that were missed under the old one are not made up.
    pub fn set_rule(&mut self, rule: &Rule, now: DateTime<Utc>) {
        rule.cron().clone_into(&mut self.cron);
        rule.zone().name().clone_into(&mut self.time_zone);
        self.fault = None;
        self.next_at = if self.paused_at.is_some() { None } else { rule.next(now) };
    }

    /// Stops its ticks. A pause that is in force already stays as it is.
    pub fn pause(&mut self, now: DateTime<Utc>) {
        self.paused_at = self.paused_at.or(Some(now));
        self.next_at = None;
    }

    /// Lets it tick again, from `now` on: what would have ticked during the pause is not made up.
    ///
    /// # Errors
    /// As [`rule`](Self::rule).
    pub fn resume(&mut self, now: DateTime<Utc>) -> Result<(), RuleError> {
        if self.paused_at.take().is_some() {
            self.next_at = self.rule()?.next(now);
        }
        Ok(())
    }
}

/// A schedule to be stored.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Its id: a UUIDv7.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// When.
    pub rule: Rule,
    /// What becomes of the ticks of a downtime.
    pub catch_up: CatchUp,
    /// What a tick does.
    pub action: Value,
}
