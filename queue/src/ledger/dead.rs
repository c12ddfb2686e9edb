//! Dead letters: back to life with a fresh budget, or put away for good.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::insert::Changed;
use super::list::Id;
use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

/// Held for the word of a person ([`APPROVAL`](super::hold::APPROVAL), [`OPERATOR`](super::hold::OPERATOR)).
macro_rules! awaits_a_word {
    () => {
        "j.held_by IN ('approval', 'operator')"
    };
}

// One that expired while it waited for others goes on waiting for them, dead. A key that is free is taken again
// (also where its row stayed, and means nothing; never waited for, which who has the key in hand would not forgive a job's
// row); where another job has it by now, this one runs without. What should not have run
// after an instant that is past, runs now: somebody wants it to. Who was held for somebody's word when it expired waits for
// it again: whoever redrives by a filter has not given it.
const REDRIVE: &str = concat!(
    "WITH redriven AS (
        UPDATE queue.jobs j SET state = CASE WHEN ",
    awaits_a_word!(),
    " THEN 'held' ELSE 'waiting' END, errors = 0, crashes = 0, run_at = now(), finished_at = NULL, error_class = NULL,
            cancel_requested_at = NULL, held_by = CASE WHEN ",
    awaits_a_word!(),
    " THEN j.held_by END, held_reason = CASE WHEN ",
    awaits_a_word!(),
    " THEN j.held_reason END,
            not_after = CASE WHEN j.not_after > now() THEN j.not_after END, revision = j.revision + 1
        FROM (SELECT n.tenant_id, n.id FROM unnest($1, $2) AS n (tenant_id, id) ORDER BY n.id) w
        WHERE j.tenant_id = w.tenant_id AND j.id = w.id AND j.state = 'dead'
            AND NOT EXISTS (SELECT FROM queue.dependencies d WHERE d.tenant_id = j.tenant_id AND d.job_id = j.id)
        RETURNING j.*),
    counted AS (
        INSERT INTO queue.group_deltas (tenant_id, group_id, failed)
        SELECT tenant_id, group_id, -count(*) FROM redriven WHERE group_id IS NOT NULL
        GROUP BY tenant_id, group_id),
    keyed AS (
        INSERT INTO queue.unique_keys (tenant_id, kind, key, job_id)
        SELECT tenant_id, kind, unique_key, id FROM redriven WHERE unique_key IS NOT NULL
        ORDER BY tenant_id, kind, unique_key
        ON CONFLICT (tenant_id, kind, key) DO NOTHING),
    taken AS (
        UPDATE queue.unique_keys k SET job_id = f.id, next_id = NULL, expires_at = NULL
        FROM (SELECT u.ctid AS place, r.id FROM (
                SELECT DISTINCT ON (tenant_id, kind, unique_key) tenant_id, kind, unique_key, id FROM redriven
                WHERE unique_key IS NOT NULL ORDER BY tenant_id, kind, unique_key, id) r
            JOIN queue.unique_keys u
                ON u.tenant_id = r.tenant_id AND u.kind = r.kind AND u.key = r.unique_key
            WHERE (u.expires_at IS NULL OR u.expires_at <= now()) AND NOT EXISTS (
                SELECT FROM queue.jobs o WHERE o.tenant_id = u.tenant_id AND o.id IN (u.job_id, u.next_id)
                    AND o.state IN ('scheduled', 'waiting', 'held'))
            FOR UPDATE OF u SKIP LOCKED) f
        WHERE k.ctid = f.place)
    SELECT ",
    job_row_columns!(),
    ", j.state = 'waiting' AS due FROM redriven j"
);

macro_rules! discard {
    ($which:literal, $answer:expr) => {
        concat!(
            "WITH discarded AS (
                UPDATE queue.jobs j SET state = 'discarded', revision = j.revision + 1
                FROM (",
            $which,
            ") w WHERE j.tenant_id = w.tenant_id AND j.id = w.id AND j.state = 'dead'
                RETURNING j.*),
            counted AS (
                INSERT INTO queue.group_deltas (tenant_id, group_id, failed, discarded)
                SELECT tenant_id, group_id, -count(*), count(*) FROM discarded WHERE group_id IS NOT NULL
                GROUP BY tenant_id, group_id)
            SELECT ",
            $answer,
            " FROM discarded j"
        )
    };
}

/// Lets dead letters of `tenant` run again with a fresh budget; their history stays. Answers those
/// that were dead; the due ones are to be pushed after the commit.
///
/// # Errors
/// The database's.
pub async fn redrive(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<Changed>> {
    redrive_of_any(conn, &of_one(tenant, ids)).await
}

/// As [`redrive`], for dead letters (tenant, id) of any tenants that the role sees.
///
/// # Errors
/// The database's.
pub async fn redrive_of_any(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<Changed>> {
    of_any(conn, REDRIVE, jobs).await
}

const DISCARD: &str =
    discard!("SELECT n.tenant_id, n.id FROM unnest($1, $2) AS n (tenant_id, id) ORDER BY n.id", job_row_columns!());

/// Puts dead letters of `tenant` away; answers those that were dead.
///
/// # Errors
/// The database's.
pub async fn discard(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<JobRow>> {
    discard_of_any(conn, &of_one(tenant, ids)).await
}

/// As [`discard`], for dead letters (tenant, id) of any tenants that the role sees.
///
/// # Errors
/// The database's.
pub async fn discard_of_any(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<JobRow>> {
    of_any(conn, DISCARD, jobs).await
}

fn of_one(tenant: Uuid, ids: &[Uuid]) -> Vec<(Uuid, Uuid)> {
    ids.iter().map(|id| (tenant, *id)).collect()
}

async fn of_any<T>(conn: &mut AsyncPgConnection, sql: &'static str, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<T>>
where
    T: QueryableByName<Pg> + Send + 'static,
{
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) = jobs.iter().copied().unzip();
    statement(sql).bind::<Array<SqlUuid>, _>(tenants).bind::<Array<SqlUuid>, _>(ids).load(conn).await
}

const DISCARD_BEFORE: &str = discard!(
    "SELECT d.tenant_id, d.id FROM queue.jobs d WHERE d.state = 'dead' AND d.finished_at < $1
    LIMIT $2 FOR UPDATE SKIP LOCKED",
    "j.id"
);

/// Puts away at most `limit` dead letters, of all tenants the role sees, that died before `before`; answers how many.
///
/// # Errors
/// The database's.
pub async fn discard_before(conn: &mut AsyncPgConnection, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    let gone: Vec<Id> =
        statement(DISCARD_BEFORE).bind::<Timestamptz, _>(before).bind::<Int8, _>(limit).load(conn).await?;
    Ok(gone.len())
}
