//! Accepting jobs: rows in the caller's transaction.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Bytea, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::NewJob;
use crate::sql::statement;

/// What became of a job that was handed in, in the order of handing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// A new row, due now: to be pushed after the commit.
    Waiting,
    /// A new row, due later: promotion will push it.
    Scheduled,
    /// Nothing new: this living job has the same unique key.
    Existing(Uuid),
}

const INSERT: &str = "
INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, lane, priority, cost, payload, subject, unique_key,
    run_at, not_after, max_attempts, trace, request_id, progress_total, state)
SELECT n.tenant_id, n.id, n.queue, n.kind, n.version, n.lane, n.priority, n.cost, n.payload, n.subject, n.unique_key,
    coalesce(n.run_at, now()), n.not_after, n.max_attempts, n.trace, n.request_id, n.total,
    CASE WHEN n.run_at > now() THEN 'scheduled' ELSE 'waiting' END
FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    AS n (tenant_id, id, queue, kind, version, lane, priority, cost, payload, subject, unique_key,
    run_at, not_after, max_attempts, trace, request_id, total)
RETURNING id, state = 'scheduled' AS scheduled";

#[derive(QueryableByName)]
struct New {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    scheduled: bool,
}

/// Inserts `jobs` in one statement (two where one of them has a unique key). The jobs become real
/// with the caller's commit; push the `Waiting` ones to the dispatcher after it.
///
/// # Errors
/// The database's, a duplicate id included.
pub async fn insert(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Vec<Inserted>> {
    let existing = claim_unique_keys(conn, jobs).await?;
    let fresh: Vec<&NewJob> = jobs.iter().zip(&existing).filter(|(_, e)| e.is_none()).map(|(job, _)| job).collect();
    let mut scheduled = std::collections::HashSet::new();
    if !fresh.is_empty() {
        let rows: Vec<New> = statement(INSERT)
            .bind::<Array<SqlUuid>, _>(column(&fresh, |j| j.tenant_id))
            .bind::<Array<SqlUuid>, _>(column(&fresh, |j| j.id))
            .bind::<Array<Text>, _>(column(&fresh, |j| j.queue.as_str()))
            .bind::<Array<Text>, _>(column(&fresh, |j| j.kind.as_str()))
            .bind::<Array<Int2>, _>(column(&fresh, |j| j.version))
            .bind::<Array<Text>, _>(column(&fresh, |j| j.lane.as_str()))
            .bind::<Array<Int2>, _>(column(&fresh, |j| j.priority))
            .bind::<Array<Int4>, _>(column(&fresh, |j| j.cost))
            .bind::<Array<Bytea>, _>(column(&fresh, |j| j.payload.as_slice()))
            .bind::<Array<Nullable<Text>>, _>(column(&fresh, |j| j.subject.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(column(&fresh, |j| j.unique_key.as_deref()))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(&fresh, |j| j.run_at))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(&fresh, |j| j.not_after))
            .bind::<Array<Int2>, _>(column(&fresh, |j| j.max_attempts))
            .bind::<Array<Nullable<Text>>, _>(column(&fresh, |j| j.trace.as_deref()))
            .bind::<Array<Nullable<Text>>, _>(column(&fresh, |j| j.request_id.as_deref()))
            .bind::<Array<Int4>, _>(column(&fresh, |j| j.total))
            .load(conn)
            .await?;
        scheduled.extend(rows.into_iter().filter(|row| row.scheduled).map(|row| row.id));
    }
    Ok(jobs
        .iter()
        .zip(existing)
        .map(|(job, existing)| match existing {
            Some(id) => Inserted::Existing(id),
            None if scheduled.contains(&job.id) => Inserted::Scheduled,
            None => Inserted::Waiting,
        })
        .collect())
}

fn column<'a, T>(jobs: &[&'a NewJob], field: impl Fn(&'a NewJob) -> T) -> Vec<T> {
    jobs.iter().map(|job| field(job)).collect()
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
}

// The update that changes nothing makes the statement return the holder's row in either case, and
// waits for a concurrent holder's transaction instead of missing it.
const CLAIM_KEYS: &str = "
INSERT INTO queue.unique_keys AS k (tenant_id, kind, key, job_id)
SELECT DISTINCT ON (n.tenant_id, n.kind, n.key) n.tenant_id, n.kind, n.key, n.job_id
FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS n (tenant_id, kind, key, job_id, place)
ORDER BY n.tenant_id, n.kind, n.key, n.place
ON CONFLICT (tenant_id, kind, key) DO UPDATE SET
    job_id = CASE WHEN k.expires_at < now() THEN excluded.job_id ELSE k.job_id END,
    expires_at = CASE WHEN k.expires_at < now() THEN NULL ELSE k.expires_at END
RETURNING k.tenant_id, k.kind, k.key, k.job_id";

/// For each job the living job that holds its unique key, if that is another.
async fn claim_unique_keys(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Vec<Option<Uuid>>> {
    let keyed: Vec<&NewJob> = jobs.iter().filter(|job| job.unique_key.is_some()).collect();
    if keyed.is_empty() {
        return Ok(vec![None; jobs.len()]);
    }
    let held: Vec<Held> = statement(CLAIM_KEYS)
        .bind::<Array<SqlUuid>, _>(column(&keyed, |j| j.tenant_id))
        .bind::<Array<Text>, _>(column(&keyed, |j| j.kind.as_str()))
        .bind::<Array<Text>, _>(column(&keyed, |j| j.unique_key.as_deref().unwrap_or_default()))
        .bind::<Array<SqlUuid>, _>(column(&keyed, |j| j.id))
        .load(conn)
        .await?;
    let holders: std::collections::HashMap<_, _> =
        held.into_iter().map(|held| ((held.tenant_id, held.kind, held.key), held.job_id)).collect();
    Ok(jobs
        .iter()
        .map(|job| {
            let key = job.unique_key.clone()?;
            holders.get(&(job.tenant_id, job.kind.clone(), key)).copied().filter(|holder| *holder != job.id)
        })
        .collect())
}
