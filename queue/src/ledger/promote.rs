//! Turning due jobs from `scheduled` into `waiting`.
//!
//! What is due and fits into a batch is taken as a whole. Where more is, a tenant that planned a million jobs for one minute
//! must not keep the others' retries waiting: each of the tenants that are looked at gets an equal part of the batch, and
//! only what they leave goes to who has been due for longest. Not all tenants are looked at each time, but the next ones,
//! round and round ([`Place`]): a look costs a probe for everybody who has anything delayed, due or not.
//! Rejected: a part for everybody every time (a third of a second for ten thousand tenants), and by time alone, as it was.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::atomic;
use super::depth::by_index;
use super::row::{JobRow, job_row_columns};
use crate::sql::statement;

/// Tenants (in queues) that are looked at for one batch: some fifteen milliseconds' worth.
const TENANTS: i64 = 500;

/// What promotes the jobs that `$due` finds.
macro_rules! promote {
    ($due:literal) => {
        concat!(
            "WITH due AS (",
            $due,
            ")
            UPDATE queue.jobs j SET state = 'waiting', held_reason = NULL, revision = j.revision + 1
            FROM due WHERE j.tenant_id = due.tenant_id AND j.id = due.id
            RETURNING ",
            job_row_columns!()
        )
    };
}

const OLDEST: &str = promote!(
    "SELECT tenant_id, id FROM queue.jobs WHERE state = 'scheduled' AND run_at <= now()
    ORDER BY run_at LIMIT $1 FOR UPDATE SKIP LOCKED"
);

/// Makes up to `limit` due jobs `waiting`, those first that have been due for longest, and answers them, to be pushed. Any
/// number of processes may do this at once; a crash before the push is mended by the audit.
///
/// # Errors
/// The database's.
pub async fn promote(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<JobRow>> {
    statement(OLDEST).bind::<Int8, _>(limit).load(conn).await
}

/// A place in the walk over those who have delayed something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    tenant: Uuid,
    queue: String,
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Int8)]
    due: i64,
}

// No further than to one more than a batch.
const DUE: &str = "
SELECT count(*) AS due FROM (
    SELECT FROM queue.jobs WHERE state = 'scheduled' AND run_at <= now() ORDER BY run_at LIMIT $1) d";

/// As [`promote`], but where more than `limit` jobs are due, with an equal part for each tenant of the next ones from
/// `place` on, which moves. One probe where nothing is due.
///
/// # Errors
/// The database's.
pub async fn promote_in_turn(conn: &mut AsyncPgConnection, limit: i64, place: &mut Place) -> QueryResult<Vec<JobRow>> {
    let probe: Due = statement(DUE).bind::<Int8, _>(limit.saturating_add(1)).get_result(&mut *conn).await?;
    match probe.due {
        0 => Ok(Vec::new()),
        due if due <= limit => promote(conn, limit).await,
        _ => {
            let begun = atomic::begin(conn).await?;
            let rows = in_parts(conn, limit, place).await;
            atomic::end(conn, begun, rows).await
        }
    }
}

#[derive(QueryableByName)]
struct Delayed {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Bool)]
    due: bool,
}

// A loose scan: one probe for each tenant in each queue, however much is delayed there.
const DELAYED: &str = "
WITH RECURSIVE delayed AS (
    (SELECT tenant_id, queue, run_at FROM queue.jobs WHERE state = 'scheduled' AND (tenant_id, queue) > ($1, $2)
        ORDER BY tenant_id, queue, run_at LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.queue, n.run_at FROM delayed d CROSS JOIN LATERAL (
        SELECT tenant_id, queue, run_at FROM queue.jobs j WHERE j.state = 'scheduled'
            AND (j.tenant_id, j.queue) > (d.tenant_id, d.queue) ORDER BY j.tenant_id, j.queue, j.run_at LIMIT 1) n)
SELECT tenant_id, queue, run_at <= now() AS due FROM delayed LIMIT $3";

// `ANY`, and the order by a tenant that is always the same, are for the planner: with `=` it would know that the order is that
// of time, and may walk past everybody else's due jobs to find this tenant's.
const PARTS: &str = promote!(
    "SELECT d.tenant_id, d.id FROM unnest($1, $2) AS k (of_tenant, of_queue) CROSS JOIN LATERAL (
        SELECT j.tenant_id, j.id FROM queue.jobs j WHERE j.state = 'scheduled'
            AND j.tenant_id = ANY (ARRAY[k.of_tenant]) AND j.queue = k.of_queue AND j.run_at <= now()
        ORDER BY j.tenant_id, j.queue, j.run_at LIMIT $3 FOR UPDATE SKIP LOCKED) d"
);

async fn in_parts(conn: &mut AsyncPgConnection, limit: i64, place: &mut Place) -> QueryResult<Vec<JobRow>> {
    by_index(conn).await?;
    let most = limit.min(TENANTS);
    let mut delayed: Vec<Delayed> = statement(DELAYED)
        .bind::<SqlUuid, _>(place.tenant)
        .bind::<Text, _>(&place.queue)
        .bind::<Int8, _>(most)
        .load(&mut *conn)
        .await?;
    let full = delayed.len() as u64 >= most.unsigned_abs();
    let last = delayed.last().filter(|_| full);
    *place = last.map_or_else(Place::default, |row| Place { tenant: row.tenant_id, queue: row.queue.clone() });
    delayed.retain(|row| row.due);
    let part = limit / i64::try_from(delayed.len()).unwrap_or(i64::MAX).max(1);
    let mut rows: Vec<JobRow> = statement(PARTS)
        .bind::<Array<SqlUuid>, _>(delayed.iter().map(|row| row.tenant_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(delayed.iter().map(|row| row.queue.as_str()).collect::<Vec<_>>())
        .bind::<Int8, _>(part)
        .load(&mut *conn)
        .await?;
    let room = limit.saturating_sub_unsigned(rows.len() as u64);
    if room > 0 {
        rows.extend(promote(conn, room).await?);
    }
    Ok(rows)
}
