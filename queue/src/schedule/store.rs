//! The SQL of stored schedules; that of their ticks is in `take.rs`.

use chrono::{DateTime, Utc};
use diesel::OptionalExtension as _;
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::record::{NewSchedule, Schedule, schedule_columns};
use crate::sql::statement;

/// Stores a schedule, whose first tick is the first after `now`.
///
/// # Errors
/// The database's.
pub async fn insert(conn: &mut AsyncPgConnection, new: &NewSchedule, now: DateTime<Utc>) -> QueryResult<Schedule> {
    statement(concat!(
        "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, action, next_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING ",
        schedule_columns!()
    ))
    .bind::<SqlUuid, _>(new.tenant_id)
    .bind::<SqlUuid, _>(new.id)
    .bind::<Text, _>(new.name.as_str())
    .bind::<Text, _>(new.rule.cron())
    .bind::<Text, _>(new.rule.zone().name())
    .bind::<Text, _>(new.catch_up.as_str())
    .bind::<Jsonb, _>(&new.action)
    .bind::<Nullable<Timestamptz>, _>(new.rule.next(now))
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await
}

/// A schedule of a tenant.
///
/// # Errors
/// The database's.
pub async fn find(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<Schedule>> {
    statement(concat!("SELECT ", schedule_columns!(), " FROM queue.schedules WHERE tenant_id = $1 AND id = $2"))
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .get_result(conn)
        .await
        .optional()
}

/// As [`find`], locked: it takes no tick before the transaction ends.
///
/// # Errors
/// The database's.
pub async fn lock(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<Schedule>> {
    statement(concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM queue.schedules WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
    ))
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(id)
    .get_result(conn)
    .await
    .optional()
}

/// Stores what was changed of a [locked](lock) schedule, at `now`.
///
/// # Errors
/// The database's.
pub async fn save(conn: &mut AsyncPgConnection, schedule: &mut Schedule, now: DateTime<Utc>) -> QueryResult<()> {
    schedule.updated_at = now;
    statement(
        "UPDATE queue.schedules SET name = $3, cron = $4, time_zone = $5, catch_up = $6, action = $7, next_at = $8,
            paused_at = $9, fault = $10, updated_at = $11
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind::<SqlUuid, _>(schedule.tenant_id)
    .bind::<SqlUuid, _>(schedule.id)
    .bind::<Text, _>(schedule.name.as_str())
    .bind::<Text, _>(schedule.cron.as_str())
    .bind::<Text, _>(schedule.time_zone.as_str())
    .bind::<Text, _>(schedule.catch_up.as_str())
    .bind::<Jsonb, _>(&schedule.action)
    .bind::<Nullable<Timestamptz>, _>(schedule.next_at)
    .bind::<Nullable<Timestamptz>, _>(schedule.paused_at)
    .bind::<Nullable<Text>, _>(schedule.fault.as_deref())
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await
    .map(drop)
}

/// Removes a schedule; answers it as it was. Jobs of its ticks stay.
///
/// # Errors
/// The database's.
pub async fn delete(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<Schedule>> {
    statement(concat!("DELETE FROM queue.schedules WHERE tenant_id = $1 AND id = $2 RETURNING ", schedule_columns!()))
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .get_result(conn)
        .await
        .optional()
}

/// The schedules with an id below `before`, newest first: of a tenant, or of all and the program's own.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut AsyncPgConnection,
    tenant: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> QueryResult<Vec<Schedule>> {
    const OF_ONE: &str = concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM queue.schedules WHERE id < $1 AND tenant_id = $3 ORDER BY tenant_id DESC, id DESC LIMIT $2"
    );
    const OF_ALL: &str = concat!(
        "SELECT ",
        schedule_columns!(),
        " FROM queue.schedules WHERE id < $1 AND ($3::uuid IS NULL) ORDER BY id DESC LIMIT $2"
    );
    statement(if tenant.is_some() { OF_ONE } else { OF_ALL })
        .bind::<SqlUuid, _>(before)
        .bind::<BigInt, _>(limit)
        .bind::<Nullable<SqlUuid>, _>(tenant)
        .load(conn)
        .await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// How many schedules a tenant has.
///
/// # Errors
/// The database's.
pub async fn count(conn: &mut AsyncPgConnection, tenant: Uuid) -> QueryResult<i64> {
    let row: Count = statement("SELECT count(*) AS count FROM queue.schedules WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant)
        .get_result(conn)
        .await?;
    Ok(row.count)
}
