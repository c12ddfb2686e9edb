//! Reading what waits, lane by lane, in the order in which it is served.
//!
//! That is the order of Redis ([`served_at`]: a step of priority is worth a minute of age), not the index's, in which
//! the highest priority comes first: read in that order, a stream of urgent jobs deeper than the window would keep the
//! others out of Redis for ever. So each priority that a lane has is read by itself (they are few, and each is in order in
//! the index), and they are merged here.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int8, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{JobRow, job_row_columns};
use crate::envelope::served_at;
use crate::lanes::LaneName;
use crate::sql::statement;

// A loose scan over the priorities of each lane (most have one), then each by itself. `BETWEEN` with itself, and the order
// by a priority that is always the same, are for the planner: with `=` it would know that the order is that of the ids,
// and may walk the primary key past everything that is over to find what waits.
const FIRSTS: &str = "
WITH RECURSIVE wanted AS (
    SELECT * FROM unnest($2, $3, $4) WITH ORDINALITY AS w (tenant_id, lane, most, n)),
steps AS (
    SELECT w.n, w.tenant_id, w.lane, w.most, p.priority FROM wanted w CROSS JOIN LATERAL (
        SELECT j.priority FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1
            AND j.tenant_id = w.tenant_id AND j.lane = w.lane ORDER BY j.priority DESC LIMIT 1) p
    UNION ALL
    SELECT s.n, s.tenant_id, s.lane, s.most, (SELECT j.priority FROM queue.jobs j WHERE j.state = 'waiting'
        AND j.queue = $1 AND j.tenant_id = s.tenant_id AND j.lane = s.lane AND j.priority < s.priority
        ORDER BY j.priority DESC LIMIT 1)
    FROM steps s WHERE s.priority IS NOT NULL)
SELECT s.n, h.id, s.priority FROM steps s CROSS JOIN LATERAL (
    SELECT j.id FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = s.tenant_id
        AND j.lane = s.lane AND j.priority BETWEEN s.priority AND s.priority
    ORDER BY j.priority DESC, j.id LIMIT s.most) h
WHERE s.priority IS NOT NULL";

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Int8)]
    n: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Int2)]
    priority: i16,
}

/// For each of `lanes`, in their order, the ids of as many of its first jobs as stand beside it.
///
/// # Errors
/// The database's.
pub async fn firsts(
    conn: &mut AsyncPgConnection,
    queue: &str,
    lanes: &[(LaneName, usize)],
) -> QueryResult<Vec<Vec<Uuid>>> {
    let most = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<Place> = statement(FIRSTS)
        .bind::<Text, _>(queue)
        .bind::<Array<SqlUuid>, _>(lanes.iter().map(|(lane, _)| lane.tenant).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lanes.iter().map(|(lane, _)| lane.lane.as_str()).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(lanes.iter().map(|(_, limit)| most(*limit)).collect::<Vec<_>>())
        .load(conn)
        .await?;
    let mut places: Vec<Vec<(Uuid, i16)>> = vec![Vec::new(); lanes.len()];
    for row in rows {
        let place = usize::try_from(row.n - 1).ok().and_then(|n| places.get_mut(n));
        place.expect("it numbers what it was given").push((row.id, row.priority));
    }
    Ok(places.into_iter().zip(lanes).map(|(places, (_, limit))| in_order(places, *limit)).collect())
}

/// The first `limit` of jobs with their priorities, as they are served.
fn in_order(mut places: Vec<(Uuid, i16)>, limit: usize) -> Vec<Uuid> {
    places.sort_unstable_by_key(|(id, priority)| (served_at(*id, *priority), *id));
    places.into_iter().take(limit).map(|(id, _)| id).collect()
}

// Each job by itself, and what it is now looked at afterwards: where a partition has grown faster than its statistics, the
// planner takes next to nothing to be waiting, and would read all that waits for the few that are asked for.
macro_rules! jobs_one_by_one {
    () => {
        " CROSS JOIN LATERAL (
            SELECT * FROM queue.jobs j WHERE j.tenant_id = w.of_tenant AND j.id = w.of_id OFFSET 0) j
        WHERE j.state = 'waiting'"
    };
}

const WAITING: &str = concat!(
    "SELECT ",
    job_row_columns!(),
    " FROM unnest($1, $2) WITH ORDINALITY AS w (of_tenant, of_id, n)",
    jobs_one_by_one!(),
    " ORDER BY w.n"
);

/// Those of `jobs` (tenant and id) that wait now, in the same order.
///
/// # Errors
/// The database's.
pub async fn waiting(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<JobRow>> {
    statement(WAITING)
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(jobs.iter().map(|(_, id)| *id).collect::<Vec<_>>())
        .load(conn)
        .await
}

#[derive(QueryableByName)]
struct StillWaiting {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The ids of those of `jobs` (tenant and id) that wait now, in no order.
///
/// # Errors
/// The database's.
pub async fn still_waiting(conn: &mut AsyncPgConnection, jobs: &[(Uuid, Uuid)]) -> QueryResult<Vec<Uuid>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<StillWaiting> =
        statement(concat!("SELECT j.id FROM unnest($1, $2) AS w (of_tenant, of_id)", jobs_one_by_one!()))
            .bind::<Array<SqlUuid>, _>(jobs.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(jobs.iter().map(|(_, id)| *id).collect::<Vec<_>>())
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The first jobs of one lane, ids only.
#[derive(Debug)]
pub struct LaneHead {
    /// The lane's tenant.
    pub tenant_id: Uuid,
    /// The lane.
    pub lane: String,
    /// Its first jobs, in order.
    pub ids: Vec<Uuid>,
    /// Since when the one of them waits that has been due longest.
    pub due: DateTime<Utc>,
}

// A loose index scan: one probe per lane, and one per priority of it, however many jobs wait there.
const HEADS: &str = "
WITH RECURSIVE lanes AS (
    (SELECT tenant_id, lane, priority FROM queue.jobs WHERE state = 'waiting' AND queue = $1
        AND (tenant_id, lane) >= ($2, $3) ORDER BY tenant_id, lane, priority DESC LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.lane, n.priority FROM lanes l CROSS JOIN LATERAL (
        SELECT tenant_id, lane, priority FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1
            AND (j.tenant_id, j.lane) > (l.tenant_id, l.lane)
        ORDER BY j.tenant_id, j.lane, j.priority DESC LIMIT 1) n
)
SELECT l.tenant_id, l.lane, p.ids, p.priorities, p.due FROM (SELECT * FROM lanes LIMIT $5) l CROSS JOIN LATERAL (
    WITH RECURSIVE steps AS (
        SELECT l.priority
        UNION ALL
        SELECT (SELECT j.priority FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1
            AND j.tenant_id = l.tenant_id AND j.lane = l.lane AND j.priority < s.priority
            ORDER BY j.priority DESC LIMIT 1)
        FROM steps s WHERE s.priority IS NOT NULL)
    SELECT array_agg(h.id) AS ids, array_agg(s.priority) AS priorities, min(h.due) AS due FROM steps s CROSS JOIN LATERAL (
        SELECT j.id, greatest(j.run_at, j.created_at) AS due FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1
            AND j.tenant_id = l.tenant_id AND j.lane = l.lane AND j.priority BETWEEN s.priority AND s.priority
        ORDER BY j.priority DESC, j.id LIMIT $4) h
    WHERE s.priority IS NOT NULL) p
WHERE p.ids IS NOT NULL";

#[derive(QueryableByName)]
struct Heads {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Array<SqlUuid>)]
    ids: Vec<Uuid>,
    #[diesel(sql_type = Array<Int2>)]
    priorities: Vec<i16>,
    #[diesel(sql_type = Timestamptz)]
    due: DateTime<Utc>,
}

/// The lanes of `queue` in which anything waits, from `from` on in the order of their names, each
/// with the ids of its first `depth` jobs (of each priority the first ones, in the order of all); `limit` lanes at most.
///
/// # Errors
/// The database's.
pub async fn heads(
    conn: &mut AsyncPgConnection,
    queue: &str,
    from: &LaneName,
    depth: i64,
    limit: i64,
) -> QueryResult<Vec<LaneHead>> {
    let rows: Vec<Heads> = statement(HEADS)
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(from.tenant)
        .bind::<Text, _>(&from.lane)
        .bind::<Int8, _>(depth)
        .bind::<Int8, _>(limit)
        .load(conn)
        .await?;
    let depth = usize::try_from(depth).unwrap_or(usize::MAX);
    Ok(rows
        .into_iter()
        .map(|row| {
            let ids = in_order(row.ids.into_iter().zip(row.priorities).collect(), depth);
            LaneHead { tenant_id: row.tenant_id, lane: row.lane, ids, due: row.due }
        })
        .collect())
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    queue: String,
}

const QUEUES: &str = "
WITH RECURSIVE names AS (
    (SELECT queue FROM queue.jobs WHERE state = 'waiting' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT j.queue FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue > n.queue ORDER BY j.queue LIMIT 1)
    FROM names n WHERE n.queue IS NOT NULL
)
SELECT queue FROM names WHERE queue IS NOT NULL";

/// The queues in which anything waits.
///
/// # Errors
/// The database's.
pub async fn queues(conn: &mut AsyncPgConnection) -> QueryResult<Vec<String>> {
    let rows: Vec<Name> = statement(QUEUES).load(conn).await?;
    Ok(rows.into_iter().map(|row| row.queue).collect())
}
