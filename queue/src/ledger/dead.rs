//! Dead letters: back to life with a fresh budget, or put away for good.

use diesel::result::QueryResult;
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

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
