//! Reading what waits, lane by lane, in the order in which it is served.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{JobRow, job_row_columns};
use crate::lanes::LaneName;
use crate::sql::statement;

const HEAD: &str = "
SELECT j.id FROM queue.jobs j
WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = $2 AND j.lane = $3
ORDER BY j.priority DESC, j.id LIMIT $4";

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// The ids of the first `limit` jobs of a lane.
///
/// # Errors
/// The database's.
pub async fn head(conn: &mut AsyncPgConnection, queue: &str, lane: &LaneName, limit: i64) -> QueryResult<Vec<Uuid>> {
    let rows: Vec<Id> = statement(HEAD)
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(lane.tenant)
        .bind::<Text, _>(&lane.lane)
        .bind::<Int8, _>(limit)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

const WAITING: &str = concat!(
    "SELECT ",
    job_row_columns!(),
    " FROM queue.jobs j WHERE j.tenant_id = $1 AND j.id = ANY($2) AND j.state = 'waiting'
    ORDER BY j.priority DESC, j.id"
);

/// Those of a tenant's jobs `ids` that wait now, in the order in which they are served.
///
/// # Errors
/// The database's.
pub async fn waiting(conn: &mut AsyncPgConnection, tenant: Uuid, ids: &[Uuid]) -> QueryResult<Vec<JobRow>> {
    statement(WAITING).bind::<SqlUuid, _>(tenant).bind::<Array<SqlUuid>, _>(ids).load(conn).await
}

/// The first jobs of one lane, ids only.
#[derive(Debug, QueryableByName)]
pub struct LaneHead {
    /// The lane's tenant.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// The lane.
    #[diesel(sql_type = Text)]
    pub lane: String,
    /// Its first jobs, in order.
    #[diesel(sql_type = Array<SqlUuid>)]
    pub ids: Vec<Uuid>,
}

// A loose index scan: one probe per lane, however many jobs wait in it.
const HEADS: &str = "
WITH RECURSIVE lanes AS (
    (SELECT tenant_id, lane FROM queue.jobs WHERE state = 'waiting' AND queue = $1
        AND (tenant_id, lane) >= ($2, $3) ORDER BY tenant_id, lane LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.lane FROM lanes l CROSS JOIN LATERAL (
        SELECT tenant_id, lane FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = $1
            AND (j.tenant_id, j.lane) > (l.tenant_id, l.lane) ORDER BY j.tenant_id, j.lane LIMIT 1) n
)
SELECT l.tenant_id, l.lane, ARRAY(
    SELECT j.id FROM queue.jobs j
    WHERE j.state = 'waiting' AND j.queue = $1 AND j.tenant_id = l.tenant_id AND j.lane = l.lane
    ORDER BY j.priority DESC, j.id LIMIT $4) AS ids
FROM (SELECT * FROM lanes LIMIT $5) l";

/// The lanes of `queue` in which anything waits, from `from` on in the order of their names, each
/// with the ids of its first `depth` jobs; `limit` lanes at most.
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
    statement(HEADS)
        .bind::<Text, _>(queue)
        .bind::<SqlUuid, _>(from.tenant)
        .bind::<Text, _>(&from.lane)
        .bind::<Int8, _>(depth)
        .bind::<Int8, _>(limit)
        .load(conn)
        .await
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
