//! The schedules that a program brings with it, by name.
//!
//! They are rows like those of tenants, so that there is one way to tick. Every scheduler declares its own at its start and
//! now and then; the first sight of a name starts it, a changed rule counts from its change. A name that no program
//! declared for a day is forgotten: until then an older program, running beside a newer one, finds it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{CatchUp, Rule};
use crate::SYSTEM_TENANT;
use crate::sql::statement;

/// A schedule of the program's own.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Its name, for ever.
    pub name: &'static str,
    /// When.
    pub rule: Rule,
    /// What becomes of the ticks of a downtime.
    pub catch_up: CatchUp,
}

/// How long a name is kept that nobody declares.
const FORGOTTEN: TimeDelta = TimeDelta::days(1);

const UPSERT: &str = "
INSERT INTO queue.schedules AS s (tenant_id, id, name, cron, time_zone, catch_up, next_at, created_at, updated_at)
SELECT $1, n.id, n.name, n.cron, n.zone, n.catch_up, n.next_at, $8, $8
FROM unnest($2, $3, $4, $5, $6, $7) AS n (id, name, cron, zone, catch_up, next_at)
ON CONFLICT (name) WHERE tenant_id = '00000000-0000-0000-0000-000000000000' DO UPDATE SET
    cron = excluded.cron, time_zone = excluded.time_zone, catch_up = excluded.catch_up, fault = NULL,
    next_at = CASE
        WHEN s.paused_at IS NOT NULL THEN NULL
        -- Without a rule: its last tick was noted by a release that kept the rule to itself.
        WHEN s.cron = '' OR (s.cron, s.time_zone) = (excluded.cron, excluded.time_zone) AND s.fault IS NULL THEN s.next_at
        ELSE excluded.next_at END,
    updated_at = excluded.updated_at";

/// Declares `own` at `now`, which must be all schedules of the program; `new_id` makes ids for new ones.
///
/// # Errors
/// The database's.
pub async fn declare(
    conn: &mut AsyncPgConnection,
    own: &[Declared],
    now: DateTime<Utc>,
    mut new_id: impl FnMut() -> Uuid,
) -> QueryResult<()> {
    let names: Vec<&str> = own.iter().map(|one| one.name).collect();
    statement(UPSERT)
        .bind::<SqlUuid, _>(SYSTEM_TENANT)
        .bind::<Array<SqlUuid>, _>(own.iter().map(|_| new_id()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(&names)
        .bind::<Array<Text>, _>(own.iter().map(|one| one.rule.cron()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(own.iter().map(|one| one.rule.zone().name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(own.iter().map(|one| one.catch_up.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(own.iter().map(|one| one.rule.next(now)).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    statement("DELETE FROM queue.schedules WHERE tenant_id = $1 AND name <> ALL ($2) AND updated_at < $3")
        .bind::<SqlUuid, _>(SYSTEM_TENANT)
        .bind::<Array<Text>, _>(&names)
        .bind::<Timestamptz, _>(now - FORGOTTEN)
        .execute(conn)
        .await
        .map(drop)
}
