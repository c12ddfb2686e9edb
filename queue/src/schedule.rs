//! Cron ticks, each taken exactly once however many schedulers run.
//!
//! A tick is taken by moving the schedule's row forward, in the transaction that also inserts the
//! tick's job: whoever commits first has it, the other finds nothing to do. A lock or a leader is
//! therefore no matter of correctness, only of not doing the same work twice.
//! Cron fields are seconds first; times are those of the schedule's zone. In a zone that skips or
//! repeats an hour, a tick inside the skipped hour does not happen, one inside the repeated hour
//! happens at its first occurrence (what the `cron` crate iterates).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::sql::statement;

/// A rule that enqueues.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name, for ever.
    pub name: &'static str,
    /// When.
    pub cron: cron::Schedule,
    /// In which zone.
    pub zone: Tz,
}

impl Schedule {
    /// The latest tick after `last` and not after `now`: after a downtime the missed ticks are one.
    #[must_use]
    pub fn due(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Long downtimes of a schedule of seconds would iterate for ever; the last day is enough.
        let from = last.max(now - chrono::TimeDelta::days(1));
        let after = |instant: DateTime<Utc>| self.cron.after(&instant.with_timezone(&self.zone));
        let recent = after(from).take_while(|tick| *tick <= now).last();
        let tick = recent.or_else(|| after(last).next().filter(|tick| *tick <= now));
        tick.map(|tick| tick.with_timezone(&Utc))
    }

    /// The next tick after `now`.
    #[must_use]
    pub fn next(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.after(&now.with_timezone(&self.zone)).next().map(|tick| tick.with_timezone(&Utc))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamptz)]
    last_tick: DateTime<Utc>,
}

/// Takes the schedule's due tick in the caller's transaction, if there is one and nobody else has
/// it; insert the tick's job (id `job`) in the same transaction. A schedule seen for the first time
/// starts now: its first tick is its next.
///
/// # Errors
/// The database's.
pub async fn take_tick(
    conn: &mut AsyncPgConnection,
    schedule: &Schedule,
    now: DateTime<Utc>,
    job: Option<Uuid>,
) -> QueryResult<Option<DateTime<Utc>>> {
    statement("INSERT INTO queue.schedules (name, last_tick) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
        .bind::<Text, _>(schedule.name)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    let rows: Vec<Row> = statement("SELECT last_tick FROM queue.schedules WHERE name = $1 FOR UPDATE SKIP LOCKED")
        .bind::<Text, _>(schedule.name)
        .load(conn)
        .await?;
    let Some(tick) = rows.into_iter().next().and_then(|row| schedule.due(row.last_tick, now)) else { return Ok(None) };
    statement("UPDATE queue.schedules SET last_tick = $2, last_job = $3, updated_at = now() WHERE name = $1")
        .bind::<Text, _>(schedule.name)
        .bind::<Timestamptz, _>(tick)
        .bind::<Nullable<SqlUuid>, _>(job)
        .execute(conn)
        .await?;
    Ok(Some(tick))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn schedule(cron: &str, zone: Tz) -> Schedule {
        Schedule { name: "test", cron: cron::Schedule::from_str(cron).unwrap(), zone }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let hourly = schedule("0 0 * * * *", Tz::UTC);
        assert_eq!(hourly.due(at("2026-01-01T10:00:00Z"), at("2026-01-01T10:59:59Z")), None);
        assert_eq!(
            hourly.due(at("2026-01-01T10:00:00Z"), at("2026-01-01T11:00:00Z")),
            Some(at("2026-01-01T11:00:00Z"))
        );
    }

    #[test]
    fn missed_ticks_become_one() {
        let minutely = schedule("0 * * * * *", Tz::UTC);
        let due = minutely.due(at("2026-01-01T10:00:00Z"), at("2026-01-01T13:30:30Z"));
        assert_eq!(due, Some(at("2026-01-01T13:30:00Z")));
    }

    #[test]
    fn a_yearly_tick_missed_by_days_still_happens() {
        let yearly = schedule("0 0 0 1 1 *", Tz::UTC);
        let due = yearly.due(at("2025-06-01T00:00:00Z"), at("2026-01-05T12:00:00Z"));
        assert_eq!(due, Some(at("2026-01-01T00:00:00Z")));
    }

    #[test]
    fn a_zone_moves_the_tick_with_its_summer_time() {
        let nine = schedule("0 0 9 * * *", Tz::America__Chicago);
        assert_eq!(nine.next(at("2026-01-10T00:00:00Z")), Some(at("2026-01-10T15:00:00Z")));
        assert_eq!(nine.next(at("2026-07-10T00:00:00Z")), Some(at("2026-07-10T14:00:00Z")));
    }
}
