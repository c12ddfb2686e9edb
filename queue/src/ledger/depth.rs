//! How much waits, and for how long: counted up to a cap, so that the answer takes as long for a backlog of
//! millions as for one of thousands.
//!
//! The index of what waits is ordered by queue, tenant, lane, priority and id. Counting stops at the cap. The oldest job
//! is among the first of some lane and priority, and a loose index scan visits a few rows for each of those: a few,
//! because age counts from when a job was due and the index's order is that of their making. One that was planned a week
//! ago, or was put off, stands before others that have been due for longer.
//! The planner is told to keep to the index ([`by_index`]): after a burst its statistics know nothing of the backlog, and
//! it would read and sort all of what it takes for a handful of rows.
//! Rejected: `count(*)` (a second for a million), the planner's estimate (wrong by the age of its statistics), and
//! an index by age (one more to write for every job).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Double, Int2, Int8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::view::JobView;
use crate::envelope::made_at_ms;
use crate::sql::statement;

/// Most that is counted of one queue.
pub const CAP: i64 = 10_000;

/// Lanes and priorities among which the oldest job of a queue is looked for.
const LANES: i64 = 256;

/// How much waits somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Depth {
    /// The queue, or the lane.
    pub name: String,
    /// Due jobs, those that run among them; the cap where there are more.
    pub due: i64,
    /// Whether there are more.
    pub at_least: bool,
    /// Since when the oldest is due.
    pub oldest: Option<DateTime<Utc>>,
    /// Whether there are more lanes than the oldest was looked for in.
    pub more_lanes: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Int8)]
    due: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    more_lanes: bool,
}

impl Row {
    fn capped(self, cap: i64) -> Depth {
        let Self { name, due, oldest, more_lanes } = self;
        Depth { name, due: due.min(cap), at_least: due > cap, oldest, more_lanes }
    }
}

/// The loose scan: from each lane and priority the next one. `$first` narrows where it begins, `$next` is what comes
/// after the lane of `h`. (Not one row comparison for both: beside `tenant_id = …` the index would not use it.)
macro_rules! heads {
    ($queue:literal, $first:literal, $next:literal) => {
        concat!(
            "WITH RECURSIVE heads AS (
                (SELECT tenant_id, lane, priority, id FROM queue.jobs WHERE state = 'waiting' AND queue = ",
            $queue,
            $first,
            " ORDER BY tenant_id, lane, priority DESC, id LIMIT 1)
                UNION ALL
                SELECT n.tenant_id, n.lane, n.priority, n.id FROM heads h CROSS JOIN LATERAL (
                    SELECT * FROM (
                        (SELECT tenant_id, lane, priority, id, 0 AS step FROM queue.jobs
                            WHERE state = 'waiting' AND queue = ",
            $queue,
            " AND tenant_id = h.tenant_id AND lane = h.lane AND priority < h.priority
                            ORDER BY priority DESC, id LIMIT 1)
                        UNION ALL
                        (SELECT tenant_id, lane, priority, id, 1 FROM queue.jobs
                            WHERE state = 'waiting' AND queue = ",
            $queue,
            $next,
            "
                            ORDER BY tenant_id, lane, priority DESC, id LIMIT 1)) either
                    ORDER BY step LIMIT 1) n
            )"
        )
    };
}

/// Since when each of the first jobs of the lane and priority of `h` is due. (`BETWEEN` with itself: see `refill`.)
macro_rules! dues {
    ($queue:literal) => {
        concat!(
            "SELECT greatest(j.run_at, j.created_at) AS at FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = ",
            $queue,
            " AND j.tenant_id = h.tenant_id AND j.lane = h.lane AND j.priority BETWEEN h.priority AND h.priority
            ORDER BY j.priority DESC, j.id LIMIT 16"
        )
    };
}

/// The oldest of a queue, and whether there are more lanes.
macro_rules! oldest {
    ($first:literal, $next:literal) => {
        concat!(
            heads!("q.queue", $first, $next),
            ", looked_at AS (SELECT tenant_id, lane, priority FROM heads LIMIT $3)
            SELECT (SELECT count(*) FROM looked_at) >= $3 AS more_lanes,
                (SELECT min(due.at) FROM looked_at h CROSS JOIN LATERAL (",
            dues!("q.queue"),
            ") due) AS oldest"
        )
    };
}

/// Keeps the planner to the index, which has the order that is asked for, until the transaction ends. (Forbidden
/// ways are merely dear, and dear plans are compiled: without JIT, then.)
pub(super) async fn by_index(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    conn.batch_execute(
        "SET LOCAL enable_seqscan=off;SET LOCAL enable_bitmapscan=off;SET LOCAL enable_sort=off;SET LOCAL jit=off",
    )
    .await
}

/// Takes [`by_index`] back, for those who are in somebody else's transaction.
pub(super) async fn by_any_way(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    conn.batch_execute("RESET enable_seqscan;RESET enable_bitmapscan;RESET enable_sort;RESET jit").await
}

const OF_TENANT: &str = concat!(
    "SELECT q.queue AS name, counted.due, first.oldest, first.more_lanes FROM unnest($1) AS q (queue)
    CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (
            SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = q.queue AND j.tenant_id = $4
            ORDER BY j.lane, j.priority DESC, j.id LIMIT $2) found) counted
    CROSS JOIN LATERAL (",
    oldest!(" AND tenant_id = $4", " AND tenant_id = $4 AND lane > h.lane"),
    ") first"
);

const OF_ALL: &str = concat!(
    "SELECT q.queue AS name, counted.due, first.oldest, first.more_lanes FROM unnest($1) AS q (queue)
    CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (
            SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = q.queue
            ORDER BY j.tenant_id, j.lane, j.priority DESC, j.id LIMIT $2) found) counted
    CROSS JOIN LATERAL (",
    oldest!("", " AND (tenant_id, lane) > (h.tenant_id, h.lane)"),
    ") first"
);

/// How much waits in each of `queues`, of `tenant` or of everybody the role may see. In a transaction. Counted up to
/// [`CAP`]; the oldest is looked for among the first 16 jobs of each of the first 256 lanes
/// ([`Lanes::oldest`](crate::Lanes::oldest) knows that of all lanes).
///
/// # Errors
/// The database's.
pub async fn queues(conn: &mut AsyncPgConnection, queues: &[&str], tenant: Option<Uuid>) -> QueryResult<Vec<Depth>> {
    by_index(conn).await?;
    let query = statement(if tenant.is_some() { OF_TENANT } else { OF_ALL })
        .bind::<Array<Text>, _>(queues)
        .bind::<Int8, _>(CAP + 1)
        .bind::<Int8, _>(LANES);
    let rows: Vec<Row> = match tenant {
        Some(tenant) => query.bind::<SqlUuid, _>(tenant).load(conn).await?,
        None => query.load(conn).await?,
    };
    Ok(rows.into_iter().map(|row| row.capped(CAP)).collect())
}

// In the order of the tenants that are asked for.
const OF_TENANTS: &str = "
SELECT counted.due FROM unnest($2) WITH ORDINALITY AS t (tenant_id, n)
CROSS JOIN LATERAL (
    SELECT count(*) AS due FROM (
        SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = t.tenant_id
        ORDER BY j.lane, j.priority DESC, j.id LIMIT $3) found) counted
ORDER BY t.n";

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Int8)]
    due: i64,
}

/// How many due jobs each of `tenants` has in `queue`, those that run among them; each counted up to `cap`. In a
/// transaction.
///
/// # Errors
/// The database's.
pub async fn tenants(conn: &mut AsyncPgConnection, queue: &str, tenants: &[Uuid], cap: i64) -> QueryResult<Vec<u64>> {
    by_index(conn).await?;
    let rows: Vec<Due> = statement(OF_TENANTS)
        .bind::<Text, _>(queue)
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Int8, _>(cap)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.due.unsigned_abs()).collect())
}

const LANES_OF: &str = concat!(
    heads!("$1", " AND tenant_id = $2 AND lane >= $3", " AND tenant_id = $2 AND lane > h.lane"),
    ", named AS (
        SELECT h.lane, min(due.at) AS oldest FROM (SELECT tenant_id, lane, priority FROM heads LIMIT $4 * 10) h
        CROSS JOIN LATERAL (",
    dues!("$1"),
    ") due GROUP BY h.lane ORDER BY h.lane LIMIT $4)
    SELECT n.lane AS name, counted.due, n.oldest, false AS more_lanes FROM named n
    CROSS JOIN LATERAL (
        SELECT count(*) AS due FROM (
            SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = $2 AND j.lane = n.lane
            ORDER BY j.priority DESC, j.id LIMIT $5) found) counted
    ORDER BY n.lane"
);

/// The lanes of `tenant` in `queue` in which anything waits, by name and from the name `from` on, at most `limit`;
/// each counted up to `cap`. In a transaction.
///
/// # Errors
/// The database's.
pub async fn lanes(
    conn: &mut AsyncPgConnection,
    queue: &str,
    tenant: Uuid,
    from: &str,
    limit: i64,
    cap: i64,
) -> QueryResult<Vec<Depth>> {
    by_index(conn).await?;
    let rows: Vec<Row> = statement(LANES_OF)
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(tenant)
        .bind::<Text, _>(from)
        .bind::<Int8, _>(limit)
        .bind::<Int8, _>(cap + 1)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.capped(cap)).collect())
}

// Of each priority those that are served before: a step of priority is worth a minute of age.
const AHEAD: &str = "
SELECT '' AS name, least(sum(counted.due), $6)::bigint AS due, NULL::timestamptz AS oldest, false AS more_lanes
FROM generate_series(0, 9) AS p (priority) CROSS JOIN LATERAL (
    SELECT count(*) AS due FROM (
        SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = $2 AND j.lane = $3
            AND j.priority = p.priority AND j.id < CASE WHEN p.priority = $4 THEN $5
                ELSE queue.uuid_floor(to_timestamp($7) + (p.priority - $4) * interval '1 minute') END
        ORDER BY j.id LIMIT $6) found) counted";

/// How many due jobs stand before a waiting job in its lane, up to [`CAP`]; those that run are among them.
/// In a transaction.
///
/// # Errors
/// The database's.
pub async fn ahead(conn: &mut AsyncPgConnection, job: &JobView) -> QueryResult<Depth> {
    by_index(conn).await?;
    let row: Row = statement(AHEAD)
        .bind::<Text, _>(&job.queue)
        .bind::<SqlUuid, _>(job.tenant_id)
        .bind::<Text, _>(&job.lane)
        .bind::<Int2, _>(job.priority)
        .bind::<SqlUuid, _>(job.id)
        .bind::<Int8, _>(CAP + 1)
        .bind::<Double, _>(seconds(made_at_ms(job.id)))
        .get_result(conn)
        .await?;
    Ok(row.capped(CAP))
}

#[expect(clippy::cast_precision_loss, reason = "48 bits of milliseconds fit a double")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}
