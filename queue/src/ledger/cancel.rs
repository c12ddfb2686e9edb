//! Cancelling: at once while a job waits, by asking its worker while it runs.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::settle::count_ends;
use crate::sql::statement;

#[derive(QueryableByName)]
struct Cancelled {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

/// What the ledger says of a run whose lease Redis had forgotten.
#[derive(Debug, QueryableByName)]
pub struct Asked {
    /// Its job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Its token.
    #[diesel(sql_type = Int8)]
    pub token: i64,
    /// Somebody wants the job cancelled.
    #[diesel(sql_type = Bool)]
    pub cancelled: bool,
    /// The job has ended, or gone on, without this run.
    #[diesel(sql_type = Bool)]
    pub over: bool,
}

const CANCEL: &str = concat!(
    "WITH cancelled AS (
        UPDATE queue.jobs j SET
            state = CASE WHEN o.running AND j.state <> 'scheduled' THEN j.state ELSE 'cancelled' END,
            finished_at = CASE WHEN o.running AND j.state <> 'scheduled' THEN NULL ELSE now() END,
            cancel_requested_at = coalesce(j.cancel_requested_at, now()),
            revision = j.revision + 1
        FROM (SELECT n.tenant_id, n.id, n.running FROM unnest($1, $2, $3) AS n (tenant_id, id, running) ORDER BY n.id) o
        WHERE j.tenant_id = o.tenant_id AND j.id = o.id AND j.state IN ('scheduled', 'waiting', 'held')
        RETURNING j.tenant_id, j.id, j.group_id, j.state),
    counted AS (",
    count_ends!("cancelled"),
    ") SELECT id, state FROM cancelled"
);

/// Cancels a job that is not over. `running`: a worker has it ([`Lanes::drop_or_cancel`] said so), so only the wish is
/// noted; unless the run is over already, and the job is to come again later. Answers the state it has now, or `None`
/// where it was over already.
///
/// Take the job out of its lane first: the other way round, a crash in between would leave a
/// cancelled job in Redis, to be run for nothing. Its unique key is free with it, and those who wait for it are let go
/// by the keeper.
///
/// # Errors
/// The database's.
///
/// [`Lanes::drop_or_cancel`]: crate::Lanes::drop_or_cancel
pub async fn cancel(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    id: Uuid,
    running: bool,
) -> QueryResult<Option<String>> {
    Ok(write(conn, &[(tenant, id, running)]).await?.into_iter().next().map(|row| row.state))
}

/// As [`cancel`], for many at once: tenant, id, and whether a worker has it. Answers those that are cancelled now.
///
/// # Errors
/// The database's.
pub async fn cancel_many(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid, bool)]) -> QueryResult<Vec<Uuid>> {
    let rows = write(conn, jobs).await?;
    Ok(rows.into_iter().filter(|row| row.state == "cancelled").map(|row| row.id).collect())
}

const ASK: &str = "
SELECT n.id, n.token, coalesce(j.cancel_requested_at IS NOT NULL, false) AS cancelled,
    j.id IS NULL OR j.state NOT IN ('scheduled', 'waiting', 'held') OR j.fence >= n.token AS over
FROM unnest($1, $2, $3) AS n (tenant_id, id, token)
LEFT JOIN queue.jobs j ON j.tenant_id = n.tenant_id AND j.id = n.id";

/// What became of the jobs of these runs: tenant, job, token.
///
/// # Errors
/// The database's.
pub async fn ask(conn: &mut AsyncPgConnection, runs: &[(Uuid, Uuid, i64)]) -> QueryResult<Vec<Asked>> {
    statement(ASK)
        .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(runs.iter().map(|run| run.1).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(runs.iter().map(|run| run.2).collect::<Vec<_>>())
        .load(conn)
        .await
}

async fn write(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid, bool)]) -> QueryResult<Vec<Cancelled>> {
    statement(CANCEL)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|job| job.1).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(jobs.iter().map(|job| job.2).collect::<Vec<_>>())
        .load(conn)
        .await
}
