//! Jobs whose worker vanished.

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int8, Jsonb, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

/// A job that has brought down this many workers is poison, whatever it was.
pub const POISON: i16 = 3;

/// A lease that ran out.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Whose job.
    pub tenant: Uuid,
    /// The job.
    pub id: Uuid,
    /// The token under which the job was taken back.
    pub token: i64,
    /// Who had it.
    pub worker: String,
}

// A poisonous job's row is updated here and not returned: it must not run again.
const CRASH: &str = concat!(
    "WITH lost AS (
        UPDATE queue.jobs j SET
            crashes = j.crashes + 1, fence = o.token, running_since = NULL, revision = j.revision + 1,
            attempts = j.attempts || (o.entry || jsonb_build_object('at', now())),
            error_class = 'crash', last_error = 'crash: the worker that ran it vanished',
            state = CASE WHEN j.crashes + 1 >= $5 THEN 'dead' ELSE j.state END,
            finished_at = CASE WHEN j.crashes + 1 >= $5 THEN now() END
        FROM unnest($1, $2, $3, $4) AS o (tenant_id, id, token, entry)
        WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state = 'waiting' AND j.fence < o.token
        RETURNING j.*)
    SELECT ",
    job_row_columns!(),
    " FROM lost j WHERE j.state = 'waiting'"
);

/// Counts a crash for each job; answers those that may run again, to be put back into their lanes.
/// A job not answered has ended meanwhile, or is poison and now a dead letter.
///
/// # Errors
/// The database's.
pub async fn crash(conn: &mut AsyncPgConnection, lost: &[Lost]) -> QueryResult<Vec<JobRow>> {
    let entries: Vec<_> = lost
        .iter()
        .map(|l| {
            json!({"worker": l.worker, "class": "crash", "code": "worker_lost", "detail": "the worker that ran it vanished"})
        })
        .collect();
    statement(CRASH)
        .bind::<Array<SqlUuid>, _>(lost.iter().map(|l| l.tenant).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lost.iter().map(|l| l.id).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(lost.iter().map(|l| l.token).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries)
        .bind::<Int2, _>(POISON)
        .load(conn)
        .await
}

const RUNNING: &str = "
UPDATE queue.jobs j SET running_since = o.since, worker = $4, revision = j.revision + 1
FROM unnest($1, $2, $3) AS o (tenant_id, id, since)
WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state = 'waiting' AND j.running_since IS NULL";

/// Marks jobs that have been running for a while, for lists and people.
///
/// # Errors
/// The database's.
pub async fn mark_running(
    conn: &mut AsyncPgConnection,
    worker: &str,
    jobs: &[(Uuid, Uuid, DateTime<Utc>)],
) -> QueryResult<usize> {
    statement(RUNNING)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|j| j.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|j| j.1).collect::<Vec<_>>())
        .bind::<Array<diesel::sql_types::Timestamptz>, _>(jobs.iter().map(|j| j.2).collect::<Vec<_>>())
        .bind::<Text, _>(worker)
        .execute(conn)
        .await
}
