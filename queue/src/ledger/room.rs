//! The SQL of the [guard](super::guard): how much of a tenant waits in a queue, and how much may.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::depth::{CAP, by_any_way, by_index};
use crate::sql::statement;

/// The cap of the queue, or of every queue, or of the plan.
macro_rules! own_cap {
    ($tenant:literal, $queue:literal) => {
        concat!(
            "SELECT max_waiting FROM (
                SELECT max_waiting, (queue = '*')::integer AS rank FROM queue.limits
                WHERE tenant_id = ",
            $tenant,
            " AND queue IN (",
            $queue,
            ", '*') AND lane = ''
                UNION ALL
                SELECT p.max_waiting, 2 FROM queue.tenant_plans t JOIN queue.plans p ON p.name = t.plan
                WHERE t.tenant_id = ",
            $tenant,
            ") caps
            WHERE max_waiting IS NOT NULL ORDER BY rank LIMIT 1"
        )
    };
}

/// In the order of the index, or the planner would read and sort a backlog that its statistics do not know yet. (`BETWEEN`,
/// because with `=` the order would be that of time, and everybody's delayed jobs are in an index by that, too.)
macro_rules! waiting {
    ($tenant:literal, $queue:literal, $most:literal) => {
        concat!(
            "SELECT (SELECT count(*) FROM (
                SELECT FROM queue.jobs j WHERE j.state = 'waiting' AND j.queue = ",
            $queue,
            " AND j.tenant_id = ",
            $tenant,
            " ORDER BY j.lane, j.priority DESC, j.id LIMIT ",
            $most,
            ") due)
            + (SELECT count(*) FROM (
                SELECT FROM queue.jobs j WHERE j.state = 'held' AND j.tenant_id = ",
            $tenant,
            " AND j.queue = ",
            $queue,
            " ORDER BY j.tenant_id, j.id LIMIT ",
            $most,
            ") held)
            + (SELECT count(*) FROM (
                SELECT FROM queue.jobs j WHERE j.state = 'scheduled' AND j.tenant_id = ",
            $tenant,
            " AND j.queue BETWEEN ",
            $queue,
            " AND ",
            $queue,
            " ORDER BY j.queue, j.run_at LIMIT ",
            $most,
            ") delayed) AS waiting"
        )
    };
}

#[derive(QueryableByName)]
struct Cap {
    #[diesel(sql_type = Int8)]
    max_waiting: i64,
}

/// What is set for the tenant, by itself or by its plan.
pub(super) async fn own_cap(conn: &mut AsyncPgConnection, tenant: Uuid, queue: &str) -> QueryResult<Option<i64>> {
    let rows: Vec<Cap> =
        statement(own_cap!("$1", "$2")).bind::<SqlUuid, _>(tenant).bind::<Text, _>(queue).load(conn).await?;
    Ok(rows.into_iter().next().map(|row| row.max_waiting))
}

#[derive(QueryableByName)]
struct Waiting {
    #[diesel(sql_type = Int8)]
    waiting: i64,
}

/// What waits of the tenant; where that is more than `cap`, at least that.
pub(super) async fn waiting(conn: &mut AsyncPgConnection, tenant: Uuid, queue: &str, cap: i64) -> QueryResult<i64> {
    by_index(conn).await?;
    let row: Waiting = statement(waiting!("$1", "$2", "$3"))
        .bind::<SqlUuid, _>(tenant)
        .bind::<Text, _>(queue)
        .bind::<Int8, _>(cap)
        .get_result(conn)
        .await?;
    by_any_way(conn).await?;
    Ok(row.waiting)
}

// (The OFFSET keeps the planner from asking for the cap wherever it is used.)
const ROOMS: &str = concat!(
    "SELECT w.of_tenant AS tenant_id, c.cap - found.waiting AS room FROM unnest($1) AS w (of_tenant)
    CROSS JOIN LATERAL (SELECT least(coalesce((",
    own_cap!("w.of_tenant", "$2"),
    "), $3), $4) AS cap OFFSET 0) c
    CROSS JOIN LATERAL (",
    waiting!("w.of_tenant", "$2", "c.cap"),
    ") found"
);

#[derive(QueryableByName)]
struct Room {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Int8)]
    room: i64,
}

/// How many more of each of `tenants` may wait, up to [`CAP`]; `default_cap` is that of those who have none of their own.
pub(super) async fn rooms(
    conn: &mut AsyncPgConnection,
    tenants: &[Uuid],
    queue: &str,
    default_cap: i64,
) -> QueryResult<HashMap<Uuid, usize>> {
    if tenants.is_empty() {
        return Ok(HashMap::new());
    }
    by_index(conn).await?;
    let rows: Vec<Room> = statement(ROOMS)
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Text, _>(queue)
        .bind::<Int8, _>(default_cap)
        .bind::<Int8, _>(CAP)
        .load(conn)
        .await?;
    by_any_way(conn).await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, usize::try_from(row.room).unwrap_or(0))).collect())
}
