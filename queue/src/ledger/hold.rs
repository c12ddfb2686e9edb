//! Held jobs: they wait for somebody's word, not for their turn.
//!
//! `held_by` says for programs whose word: an approval, an operator, the end of a pause of their kind, a worker that
//! knows their version, the end of other jobs. `held_reason` says it for people. A hold never stops what runs: the run's
//! end is written as ever, and only if the job would run again is it held.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::atomic;
use super::depth::by_index;
use super::list::Id;
use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

/// Waits for somebody to approve it.
pub const APPROVAL: &str = "approval";
/// An operator holds it.
pub const OPERATOR: &str = "operator";
/// Its kind is paused.
pub const KIND_PAUSE: &str = "kind_pause";
/// No worker knows its kind, or its payload's version.
pub const VERSION: &str = "version";
/// Waits for other jobs, or for a group: see [`dependencies`](super::dependencies).
pub const DEPENDENCY: &str = "dependency";

const HOLD: &str = "
UPDATE queue.jobs SET state = 'held', held_by = $3, held_reason = $4, revision = revision + 1
WHERE tenant_id = $1 AND id = ANY($2) AND state IN ('scheduled', 'waiting', 'held')
RETURNING id";

/// Holds those of a tenant's jobs `ids` that are not over; answers them. What waits for other jobs goes on waiting for
/// them beside this.
///
/// Take them out of Redis before and once more after the commit ([`Lanes::withdraw`](crate::Lanes::withdraw)): repair
/// may have put one back in between.
///
/// # Errors
/// The database's.
pub async fn hold(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    ids: &[Uuid],
    by: &str,
    reason: &str,
) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> = statement(HOLD)
        .bind::<SqlUuid, _>(tenant)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Text, _>(by)
        .bind::<Text, _>(reason)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

// First the locks, then the question what else they wait for: whoever unties one at the same time meets us at its row.
const LOCK: &str = "
SELECT id FROM queue.jobs WHERE tenant_id = $1 AND id = ANY($2) AND state = 'held' AND held_by IS DISTINCT FROM 'dependency'
ORDER BY id FOR NO KEY UPDATE";

const RELEASE: &str = concat!(
    "WITH freed AS (
        UPDATE queue.jobs j SET
            state = CASE WHEN t.tied THEN 'held' WHEN j.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
            held_by = CASE WHEN t.tied THEN 'dependency' END,
            held_reason = CASE WHEN t.tied THEN 'waits for other jobs' END,
            revision = j.revision + 1
        FROM (SELECT id, EXISTS (SELECT FROM queue.dependencies d WHERE d.tenant_id = $1 AND d.job_id = n.id) AS tied
            FROM unnest($2) AS n (id)) t
        WHERE j.tenant_id = $1 AND j.id = t.id AND j.state = 'held'
        RETURNING j.*)
    SELECT ",
    job_row_columns!(),
    " FROM freed j WHERE j.state = 'waiting'"
);

/// Lets held jobs of `tenant` go, whoever holds them, but for those that wait for other jobs: these go on waiting.
/// Answers the due ones, to be pushed after the commit; a later one waits for its time.
///
/// # Errors
/// The database's.
pub async fn release(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<JobRow>> {
    let begun = atomic::begin(conn).await?;
    let done = async {
        let held: Vec<Id> =
            statement(LOCK).bind::<SqlUuid, _>(tenant).bind::<Array<SqlUuid>, _>(ids).load(&mut *conn).await?;
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let held: Vec<Uuid> = held.into_iter().map(|row| row.id).collect();
        statement(RELEASE).bind::<SqlUuid, _>(tenant).bind::<Array<SqlUuid>, _>(held).load(&mut *conn).await
    }
    .await;
    atomic::end(conn, begun, done).await
}

/// Tenants (of one version) that are looked at for one batch.
const TENANTS: i64 = 500;

/// A place in the walk over those whose jobs are parked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Place {
    #[diesel(sql_type = Int2)]
    version: i16,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
}

/// What lets parked jobs go: `$1` queue, `$2` kind, `$3` the newest version that is meant.
struct Unpark {
    /// Whose there are after the version `$4` and the tenant `$5`, `$6` of them at most: a loose scan.
    owners: &'static str,
    /// Lets go of each version `$4` and tenant `$5` beside it `$6` jobs.
    parts: &'static str,
    /// Lets go `$4` jobs, whosesoever they are.
    rest: &'static str,
}

macro_rules! let_go {
    ($before:literal, $by:literal, $after:literal) => {
        concat!(
            "WITH parked AS (",
            $before,
            "SELECT tenant_id, id FROM queue.jobs WHERE state = 'held' AND held_by = '",
            $by,
            "' AND queue = $1 AND kind = $2 AND version <= $3",
            $after,
            "),
            freed AS (
                UPDATE queue.jobs j SET state = CASE WHEN j.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
                    held_by = NULL, held_reason = NULL, revision = j.revision + 1
                FROM parked p WHERE j.tenant_id = p.tenant_id AND j.id = p.id
                RETURNING j.*)
            SELECT ",
            job_row_columns!(),
            " FROM freed j WHERE j.state = 'waiting'"
        )
    };
}

// The order is the index's, which no other has.
macro_rules! unpark {
    ($by:literal) => {
        Unpark {
            owners: concat!(
                "WITH RECURSIVE owners AS (
                    (SELECT version, tenant_id FROM queue.jobs WHERE state = 'held' AND held_by = '",
                $by,
                "' AND queue = $1 AND kind = $2 AND version <= $3 AND (version, tenant_id) > ($4, $5)
                        ORDER BY version, tenant_id LIMIT 1)
                    UNION ALL
                    SELECT n.version, n.tenant_id FROM owners o CROSS JOIN LATERAL (
                        SELECT j.version, j.tenant_id FROM queue.jobs j WHERE j.state = 'held' AND j.held_by = '",
                $by,
                "' AND j.queue = $1 AND j.kind = $2 AND j.version <= $3
                            AND (j.version, j.tenant_id) > (o.version, o.tenant_id)
                        ORDER BY j.version, j.tenant_id LIMIT 1) n)
                SELECT version, tenant_id FROM owners LIMIT $6"
            ),
            parts: let_go!(
                "SELECT d.tenant_id, d.id FROM unnest($4, $5) AS k (of_version, of_tenant) CROSS JOIN LATERAL (",
                $by,
                " AND version = k.of_version AND tenant_id = k.of_tenant
                    ORDER BY run_at LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED) d"
            ),
            rest: let_go!("", $by, " ORDER BY version, tenant_id, run_at LIMIT $4 FOR NO KEY UPDATE SKIP LOCKED"),
        }
    };
}

const UNPARK_KIND: Unpark = unpark!("kind_pause");
const UNPARK_VERSION: Unpark = unpark!("version");

/// Lets up to `limit` jobs go that were parked because their kind is paused; answers them, to be pushed. Each tenant of the
/// next ones from `place` on, which moves, gets an equal part; what they leave is anybody's.
///
/// # Errors
/// The database's.
pub async fn release_kind(
    conn: &mut AsyncPgConnection,
    queue: &str,
    kind: &str,
    limit: i64,
    place: &mut Place,
) -> QueryResult<Vec<JobRow>> {
    unpark(conn, &UNPARK_KIND, (queue, kind, i16::MAX), limit, place).await
}

/// Lets up to `limit` jobs go that were parked because no worker knew `kind` in a version up to `newest`, as
/// [`release_kind`] does; answers them, to be pushed.
///
/// # Errors
/// The database's.
pub async fn release_version(
    conn: &mut AsyncPgConnection,
    queue: &str,
    kind: &str,
    newest: i16,
    limit: i64,
    place: &mut Place,
) -> QueryResult<Vec<JobRow>> {
    unpark(conn, &UNPARK_VERSION, (queue, kind, newest), limit, place).await
}

async fn unpark(
    conn: &mut AsyncPgConnection,
    sql: &Unpark,
    of: (&str, &str, i16),
    limit: i64,
    place: &mut Place,
) -> QueryResult<Vec<JobRow>> {
    let begun = atomic::begin(conn).await?;
    let rows = in_parts(conn, sql, of, limit, place).await;
    atomic::end(conn, begun, rows).await
}

async fn in_parts(
    conn: &mut AsyncPgConnection,
    sql: &Unpark,
    (queue, kind, newest): (&str, &str, i16),
    limit: i64,
    place: &mut Place,
) -> QueryResult<Vec<JobRow>> {
    by_index(conn).await?;
    let of_kind = |sql| statement(sql).bind::<Text, _>(queue).bind::<Text, _>(kind).bind::<Int2, _>(newest);
    let most = limit.min(TENANTS);
    let owners: Vec<Place> = of_kind(sql.owners)
        .bind::<Int2, _>(place.version)
        .bind::<SqlUuid, _>(place.tenant_id)
        .bind::<Int8, _>(most)
        .load(&mut *conn)
        .await?;
    let full = owners.len() as u64 >= most.unsigned_abs();
    *place = owners.last().copied().filter(|_| full).unwrap_or_default();
    let part = limit / i64::try_from(owners.len()).unwrap_or(i64::MAX).max(1);
    let mut rows: Vec<JobRow> = of_kind(sql.parts)
        .bind::<Array<Int2>, _>(owners.iter().map(|owner| owner.version).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(owners.iter().map(|owner| owner.tenant_id).collect::<Vec<_>>())
        .bind::<Int8, _>(part)
        .load(&mut *conn)
        .await?;
    let room = limit.saturating_sub_unsigned(rows.len() as u64);
    if room > 0 {
        let rest: Vec<JobRow> = of_kind(sql.rest).bind::<Int8, _>(room).load(&mut *conn).await?;
        rows.extend(rest);
    }
    Ok(rows)
}

/// A kind of which jobs are parked.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Parked {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// The kind.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The oldest version among them.
    #[diesel(sql_type = Int2)]
    pub version: i16,
}

// A loose scan of the index of what is parked: one probe for each kind, none where nothing is.
const PAUSED: &str = "
WITH RECURSIVE kinds AS (
    (SELECT queue, kind, version FROM queue.jobs WHERE state = 'held' AND held_by = 'kind_pause'
        ORDER BY queue, kind, version LIMIT 1)
    UNION ALL
    SELECT n.queue, n.kind, n.version FROM kinds k CROSS JOIN LATERAL (
        SELECT queue, kind, version FROM queue.jobs j WHERE j.state = 'held' AND j.held_by = 'kind_pause'
            AND (j.queue, j.kind) > (k.queue, k.kind) ORDER BY j.queue, j.kind, j.version LIMIT 1) n)
SELECT queue, kind, version FROM kinds LIMIT 1000";

/// The kinds of which jobs are parked because the kind was paused, in all queues.
///
/// # Errors
/// The database's.
pub async fn parked_by_pause(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Parked>> {
    statement(PAUSED).load(conn).await
}

const UNKNOWN: &str = "
WITH RECURSIVE kinds AS (
    (SELECT queue, kind, version FROM queue.jobs WHERE state = 'held' AND held_by = 'version' AND queue = $1
        ORDER BY kind, version LIMIT 1)
    UNION ALL
    SELECT n.queue, n.kind, n.version FROM kinds k CROSS JOIN LATERAL (
        SELECT queue, kind, version FROM queue.jobs j WHERE j.state = 'held' AND j.held_by = 'version' AND j.queue = $1
            AND j.kind > k.kind ORDER BY j.kind, j.version LIMIT 1) n)
SELECT queue, kind, version FROM kinds LIMIT 1000";

/// The kinds of which jobs of `queue` are parked because no worker knew them, each with the oldest version among them.
///
/// # Errors
/// The database's.
pub async fn unknown_kinds(conn: &mut AsyncPgConnection, queue: &str) -> QueryResult<Vec<(String, i16)>> {
    let rows: Vec<Parked> = statement(UNKNOWN).bind::<Text, _>(queue).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.version)).collect())
}
