//! What providers stopped, for a Redis that was emptied: see [`Stop`].

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::lanes::{LaneName, Stop};
use crate::sql::statement;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Int4>)]
    opened: Option<i32>,
}

/// The stops of `queue` that are not over.
///
/// # Errors
/// The database's.
pub async fn stops(conn: &mut AsyncPgConnection, queue: &str) -> QueryResult<Vec<Stop>> {
    let rows = statement("SELECT tenant_id, lane, until, opened FROM queue.stops WHERE queue = $1 AND until > now()")
        .bind::<Text, _>(queue)
        .load::<Row>(conn)
        .await?;
    let stop = |row: Row| Stop {
        key: LaneName { tenant: row.tenant_id, lane: row.lane },
        until_ms: row.until.timestamp_millis(),
        opened: row.opened.map(i32::unsigned_abs),
    };
    Ok(rows.into_iter().map(stop).collect())
}

const NOTE: &str = "
INSERT INTO queue.stops (queue, tenant_id, lane, sort, until, opened)
SELECT $1, n.tenant_id, n.lane, CASE WHEN n.opened IS NULL THEN 'penalty' ELSE 'breaker' END, n.until, n.opened
FROM unnest($2, $3, $4, $5) AS n (tenant_id, lane, until, opened)
ON CONFLICT (queue, tenant_id, lane, sort) DO UPDATE SET until = excluded.until, opened = excluded.opened";

/// Notes stops of `queue`, each in place of what was noted of its key.
///
/// # Errors
/// The database's.
pub async fn note_stops(conn: &mut AsyncPgConnection, queue: &str, stops: &[Stop]) -> QueryResult<()> {
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let tenants: Vec<Uuid> = stops.iter().map(|stop| stop.key.tenant).collect();
    let lanes: Vec<&str> = stops.iter().map(|stop| &*stop.key.lane).collect();
    let until: Vec<DateTime<Utc>> = stops.iter().map(|stop| at(stop.until_ms)).collect();
    let opened: Vec<Option<i32>> =
        stops.iter().map(|stop| stop.opened.map(|opened| opened.try_into().unwrap_or(i32::MAX))).collect();
    statement(NOTE)
        .bind::<Text, _>(queue)
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Array<Text>, _>(lanes)
        .bind::<Array<Timestamptz>, _>(until)
        .bind::<Array<Nullable<Int4>>, _>(opened)
        .execute(conn)
        .await
        .map(drop)
}

/// Forgets stops that are over, of all queues.
///
/// # Errors
/// The database's.
pub async fn forget_stops(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    statement("DELETE FROM queue.stops WHERE until < now()").execute(conn).await.map(drop)
}
