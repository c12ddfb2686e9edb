//! Jobs whose worker vanished.
//!
//! A crash is counted once for each lease that was lost with nothing said under it. The ledger tells: a row whose `fence`
//! is the lost lease's token has heard how that run ended (the worker died between the ledger and Redis), or has counted
//! this crash already (a keeper died between the two); such a job goes back to its lane uncounted.

use chrono::{DateTime, Utc};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int4, Int8, Jsonb, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::row::{JobRow, job_row_columns};
use super::settle::count_ends;
use crate::sql::statement;

/// A job that has brought down this many workers is poison, whatever it was.
pub const POISON: i16 = 3;

/// How often a last chance may fall in company before that counts.
const FALLS: i32 = 5;

/// A lease that ran out.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Whose job.
    pub tenant: Uuid,
    /// The job.
    pub id: Uuid,
    /// The token under which the job was taken back.
    pub token: i64,
    /// The token of the lease that ran out.
    pub before: i64,
    /// Who had it.
    pub worker: String,
}

/// Whether the loss of `o`'s lease is a crash of the job `j`: its end was not written, and (where this crash would be the
/// last) its run had begun alone, which is noted (`backend::company`). One that still waited for that when its worker was
/// lost brought nobody down; one that ran in company may have, which is an interruption for [`FALLS`] times (other
/// interruptions, of deploys, bring it no nearer).
macro_rules! counts {
    () => {
        "j.fence < o.before AND (j.crashes + 1 < $6 OR j.running_since IS NOT NULL OR (
            SELECT sum(coalesce((e ->> 'times')::integer, 1)) FROM jsonb_array_elements(j.attempts) e
            WHERE e ->> 'class' = 'interruption' AND e ->> 'code' = 'worker_lost') >= $7)"
    };
}

// A poisonous job's row is updated here and not returned: it must not run again. Nor is one that is held meanwhile.
const CRASH: &str = concat!(
    "WITH lost AS (
        UPDATE queue.jobs j SET
            crashes = CASE WHEN ",
    counts!(),
    " THEN j.crashes + 1 ELSE j.crashes END,
            interruptions = CASE WHEN j.fence >= o.before OR ",
    counts!(),
    " THEN j.interruptions ELSE j.interruptions + 1 END,
            attempts = CASE WHEN j.fence >= o.before THEN j.attempts ELSE queue.remember(j.attempts, o.entry
                || jsonb_build_object('class', CASE WHEN ",
    counts!(),
    " THEN 'crash' ELSE 'interruption' END, 'at', now(), 'duration_ms', (extract(epoch FROM now()
                    - coalesce(j.running_since, to_timestamp(o.before / 1e6))) * 1000)::bigint)) END,
            error_class = CASE WHEN ",
    counts!(),
    " THEN 'crash' ELSE j.error_class END,
            last_error = CASE WHEN ",
    counts!(),
    " THEN 'worker_lost: the worker that ran it vanished' ELSE j.last_error END,
            state = CASE WHEN j.crashes + 1 >= $6 AND ",
    counts!(),
    " THEN 'dead' ELSE j.state END,
            finished_at = CASE WHEN j.crashes + 1 >= $6 AND ",
    counts!(),
    " THEN now() END,
            fence = o.token, running_since = NULL, revision = j.revision + 1
        FROM (SELECT n.tenant_id, n.id, n.token, n.before, n.entry
            FROM unnest($1, $2, $3, $4, $5) AS n (tenant_id, id, token, before, entry) ORDER BY n.id) o
        WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('waiting', 'held') AND j.fence < o.token
        RETURNING j.*),
    counted AS (",
    count_ends!("lost"),
    ") SELECT ",
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
        .map(|l| json!({"worker": l.worker, "code": "worker_lost", "detail": "the worker that ran it vanished"}))
        .collect();
    statement(CRASH)
        .bind::<Array<SqlUuid>, _>(lost.iter().map(|l| l.tenant).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(lost.iter().map(|l| l.id).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(lost.iter().map(|l| l.token).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(lost.iter().map(|l| l.before).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(entries)
        .bind::<Int2, _>(POISON)
        .bind::<Int4, _>(FALLS)
        .load(conn)
        .await
}

const RUNNING: &str = "
UPDATE queue.jobs j SET running_since = o.since, worker = $4, revision = j.revision + 1
FROM unnest($1, $2, $3, $5) AS o (tenant_id, id, since, token)
WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state = 'waiting' AND j.running_since IS NULL AND j.fence < o.token";

/// A run that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    /// Whose job.
    pub tenant: Uuid,
    /// The job.
    pub id: Uuid,
    /// The token of its lease. One that others have taken over since marks nothing.
    pub token: i64,
    /// Since when.
    pub since: DateTime<Utc>,
}

const NOT_BEGUN: &str = "
UPDATE queue.jobs j SET running_since = NULL, revision = j.revision + 1
FROM unnest($1, $2) AS o (tenant_id, id)
WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('waiting', 'held') AND j.worker = $3";

/// Takes back that these began: a crash of theirs is an interruption.
///
/// # Errors
/// The database's.
pub async fn forget_begin(conn: &mut AsyncPgConnection, worker: &str, jobs: &[(Uuid, Uuid)]) -> QueryResult<()> {
    statement(NOT_BEGUN)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|j| j.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|j| j.1).collect::<Vec<_>>())
        .bind::<Text, _>(worker)
        .execute(conn)
        .await
        .map(drop)
}

/// Marks jobs that have been running for a while, for lists and people. Answers how many.
///
/// # Errors
/// The database's.
pub async fn mark_running(conn: &mut AsyncPgConnection, worker: &str, runs: &[Begun]) -> QueryResult<usize> {
    statement(RUNNING)
        .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.tenant).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.id).collect::<Vec<_>>())
        .bind::<Array<diesel::sql_types::Timestamptz>, _>(runs.iter().map(|run| run.since).collect::<Vec<_>>())
        .bind::<Text, _>(worker)
        .bind::<Array<Int8>, _>(runs.iter().map(|run| run.token).collect::<Vec<_>>())
        .execute(conn)
        .await
}
