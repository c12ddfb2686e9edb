//! Jobs that must not run after an instant that is past: dead letters, whether they waited, were held or not due.
//!
//! A worker refuses such a job too, before its run; this is for those that no worker comes to: held, scheduled, deep in a
//! backlog. What runs, runs on: it began in time.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::settle::count_ends;
use crate::sql::statement;

/// A job whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Lapsed {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Its lane.
    #[diesel(sql_type = Text)]
    pub lane: String,
    /// Whether it is due, and may be in Redis, or run.
    #[diesel(sql_type = Bool)]
    pub due: bool,
}

// Runs that are marked are long ones, which would stand in the way of the page again and again.
const LAPSED: &str = "
SELECT tenant_id, id, queue, lane, state = 'waiting' AS due FROM queue.jobs
WHERE not_after IS NOT NULL AND state IN ('scheduled', 'waiting', 'held') AND not_after < now() AND running_since IS NULL
ORDER BY not_after LIMIT $1";

/// Up to `limit` jobs that are not over and whose time is, the longest past first. One indexed probe where there is none.
///
/// # Errors
/// The database's.
pub async fn lapsed(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<Lapsed>> {
    statement(LAPSED).bind::<Int8, _>(limit).load(conn).await
}

const LAPSE: &str = concat!(
    "WITH lapsed AS (
        UPDATE queue.jobs j SET state = 'dead', finished_at = now(), error_class = 'permanent',
            last_error = 'expired: it was not to run after ' || to_char(j.not_after AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
            attempts = queue.remember(j.attempts, jsonb_build_object('at', now(), 'worker', $3::text, 'duration_ms', 0,
                'class', 'permanent', 'code', 'expired',
                'detail', 'it was not to run after ' || to_char(j.not_after AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))),
            revision = j.revision + 1
        FROM (SELECT n.tenant_id, n.id FROM unnest($1, $2) AS n (tenant_id, id) ORDER BY n.id) o
        WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('scheduled', 'waiting', 'held')
            AND j.not_after < now()
        RETURNING j.tenant_id, j.id, j.group_id, j.state),
    counted AS (",
    count_ends!("lapsed"),
    ") SELECT id FROM lapsed"
);

/// Makes dead letters of them, in the name of `by`; answers those that were not over meanwhile. Take them out of Redis
/// first, and leave out those that run.
///
/// # Errors
/// The database's.
pub async fn lapse(conn: &mut AsyncPgConnection, by: &str, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<super::list::Id> = statement(LAPSE)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.1).collect::<Vec<_>>())
        .bind::<Text, _>(by)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
