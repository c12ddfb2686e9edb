//! Turning due jobs from `scheduled` into `waiting`.

use diesel::result::QueryResult;
use diesel::sql_types::Int8;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

const PROMOTE: &str = concat!(
    "WITH due AS (
        SELECT tenant_id, id FROM queue.jobs WHERE state = 'scheduled' AND run_at <= now()
        ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    UPDATE queue.jobs j SET state = 'waiting', held_reason = NULL, revision = j.revision + 1
    FROM due WHERE j.tenant_id = due.tenant_id AND j.id = due.id
    RETURNING ",
    job_row_columns!()
);

/// Makes up to `limit` due jobs `waiting` and answers them, to be pushed. Any number of processes
/// may do this at once; a crash before the push is mended by the audit.
///
/// # Errors
/// The database's.
pub async fn promote(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<JobRow>> {
    statement(PROMOTE).bind::<Int8, _>(limit).load(conn).await
}
