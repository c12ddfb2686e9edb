//! Dead letters: back to life with a fresh budget, or put away for good.

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::list::Id;
use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

const REDRIVE: &str = concat!(
    "UPDATE queue.jobs j SET state = 'waiting', errors = 0, crashes = 0, run_at = now(), finished_at = NULL,
        error_class = NULL, revision = j.revision + 1
    WHERE j.tenant_id = $1 AND j.id = ANY($2) AND j.state = 'dead'
    RETURNING ",
    job_row_columns!()
);

/// Lets dead letters of `tenant` run again with a fresh budget; their history stays. Answers those
/// that were dead, to be pushed after the commit.
///
/// # Errors
/// The database's.
pub async fn redrive(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<JobRow>> {
    statement(REDRIVE).bind::<SqlUuid, _>(tenant).bind::<Array<SqlUuid>, _>(ids).load(conn).await
}

const DISCARD: &str = concat!(
    "UPDATE queue.jobs j SET state = 'discarded', revision = j.revision + 1
    WHERE j.tenant_id = $1 AND j.id = ANY($2) AND j.state = 'dead'
    RETURNING ",
    job_row_columns!()
);

/// Puts dead letters of `tenant` away; answers those that were dead.
///
/// # Errors
/// The database's.
pub async fn discard(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<JobRow>> {
    statement(DISCARD).bind::<SqlUuid, _>(tenant).bind::<Array<SqlUuid>, _>(ids).load(conn).await
}

const DISCARD_BEFORE: &str = "
UPDATE queue.jobs j SET state = 'discarded', revision = j.revision + 1
FROM (SELECT tenant_id, id FROM queue.jobs WHERE state = 'dead' AND finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) old
WHERE j.tenant_id = old.tenant_id AND j.id = old.id AND j.state = 'dead'";

/// Puts away at most `limit` dead letters, of all tenants the role sees, that died before `before`; answers how many.
///
/// # Errors
/// The database's.
pub async fn discard_before(conn: &mut AsyncPgConnection, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    statement(DISCARD_BEFORE).bind::<Timestamptz, _>(before).bind::<Int8, _>(limit).execute(conn).await
}

/// Which of `ids` are dead letters of `tenant`.
///
/// # Errors
/// The database's.
pub async fn dead_among(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> =
        statement("SELECT id FROM queue.jobs WHERE tenant_id = $1 AND id = ANY($2) AND state = 'dead' ORDER BY id")
            .bind::<SqlUuid, _>(tenant)
            .bind::<Array<SqlUuid>, _>(ids)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
