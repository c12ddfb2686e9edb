//! Rows that mean nothing any more: ends of orders and unique keys whose jobs are over.
//!
//! Neither is ever wrong where it stays, because whoever finds one looks at its job; but an order's key that is used
//! once would stay for ever. So the keeper walks over both, a page at a time, round and round. Each page is looked at
//! first and put away by a second statement, which takes only rows that still say the same and that nobody has in hand.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::sql::statement;

/// A place in the walk over the ends of orders, or over unique keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    tenant: Uuid,
    kind: String,
    key: String,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = Bool)]
    idle: bool,
}

const TAILS: &str = "
SELECT t.tenant_id, '' AS kind, t.key, t.job_id, NOT EXISTS (
        SELECT FROM queue.jobs j WHERE j.tenant_id = t.tenant_id AND j.id = t.job_id
            AND j.state NOT IN ('succeeded', 'cancelled', 'discarded'))
    AND NOT EXISTS (SELECT FROM queue.dependencies d WHERE d.tenant_id = t.tenant_id AND d.job_id = t.job_id) AS idle
FROM queue.order_tails t WHERE (t.tenant_id, t.key) > ($1, $3) AND $2 = $2
ORDER BY t.tenant_id, t.key LIMIT $4";

const DROP_TAILS: &str = "
DELETE FROM queue.order_tails t WHERE t.ctid = ANY (ARRAY(
    SELECT o.ctid FROM unnest($1, $2, $3, $4) AS n (tenant_id, kind, key, job_id)
    JOIN queue.order_tails o ON o.tenant_id = n.tenant_id AND o.key = n.key AND o.job_id = n.job_id
    FOR UPDATE OF o SKIP LOCKED))";

/// Looks at the next `limit` ends of orders, and forgets those whose job is over. Answers where the next look begins.
///
/// # Errors
/// The database's.
pub async fn tails(conn: &mut AsyncPgConnection, from: &Place, limit: i64) -> QueryResult<Place> {
    walk(conn, TAILS, DROP_TAILS, from, limit).await
}

const KEYS: &str = "
SELECT k.tenant_id, k.kind, k.key, k.job_id, k.next_id IS NULL AND k.expires_at IS NULL AND NOT EXISTS (
    SELECT FROM queue.jobs j WHERE j.tenant_id = k.tenant_id AND j.id = k.job_id
        AND j.state IN ('scheduled', 'waiting', 'held')) AS idle
FROM queue.unique_keys k WHERE (k.tenant_id, k.kind, k.key) > ($1, $2, $3)
ORDER BY k.tenant_id, k.kind, k.key LIMIT $4";

const DROP_KEYS: &str = "
DELETE FROM queue.unique_keys k WHERE k.ctid = ANY (ARRAY(
    SELECT o.ctid FROM unnest($1, $2, $3, $4) AS n (tenant_id, kind, key, job_id)
    JOIN queue.unique_keys o ON o.tenant_id = n.tenant_id AND o.kind = n.kind AND o.key = n.key
        AND o.job_id = n.job_id AND o.next_id IS NULL AND o.expires_at IS NULL
    FOR UPDATE OF o SKIP LOCKED))";

/// As [`tails`], for unique keys that stayed when their holder ended.
///
/// # Errors
/// The database's.
pub async fn keys(conn: &mut AsyncPgConnection, from: &Place, limit: i64) -> QueryResult<Place> {
    walk(conn, KEYS, DROP_KEYS, from, limit).await
}

async fn walk(
    conn: &mut AsyncPgConnection,
    look: &'static str,
    forget: &'static str,
    from: &Place,
    limit: i64,
) -> QueryResult<Place> {
    let page: Vec<Row> = statement(look)
        .bind::<SqlUuid, _>(from.tenant)
        .bind::<Text, _>(&from.kind)
        .bind::<Text, _>(&from.key)
        .bind::<Int8, _>(limit)
        .load(conn)
        .await?;
    let idle: Vec<&Row> = page.iter().filter(|row| row.idle).collect();
    if !idle.is_empty() {
        statement(forget)
            .bind::<Array<SqlUuid>, _>(idle.iter().map(|row| row.tenant_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(idle.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(idle.iter().map(|row| row.key.as_str()).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(idle.iter().map(|row| row.job_id).collect::<Vec<_>>())
            .execute(conn)
            .await?;
    }
    let full = page.len() as u64 >= limit.unsigned_abs();
    let last = page.into_iter().next_back().filter(|_| full);
    Ok(last.map_or_else(Place::default, |row| Place { tenant: row.tenant_id, kind: row.kind, key: row.key }))
}
