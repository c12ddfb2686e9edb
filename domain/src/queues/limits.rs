//! What is set on the keys of a queue, as a list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, TypedId};
use patchbay_queue::LaneName;
use patchbay_queue::lanes::Limit;
use patchbay_queue::ledger::controls;
use patchbay_queue::sql::statement;
use uuid::Uuid;

/// Limits of one page.
pub const PAGE: usize = 100;

/// What is set on a key.
#[derive(Debug, Clone)]
pub struct Set {
    /// The key, and what it limits.
    pub limit: Limit,
    /// Who set it; the product did (a sender's rate) where it is nobody.
    pub set_by: Option<String>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Signed {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Nullable<Text>)]
    set_by: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

/// A page of the limits of `queue` after `after`, in the order of tenant and key, and whether more follow: those of
/// `whose`, or all that the role may see (those over all tenants are the nil tenant's, and come first).
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut AsyncPgConnection,
    queue: &str,
    whose: Option<TenantId>,
    after: Option<&LaneName>,
) -> DbResult<(Vec<Set>, bool)> {
    let from = after.map_or_else(first, next);
    let wanted = i64::try_from(PAGE).expect("a page is small") + 1;
    let whose = whose.map(TypedId::uuid);
    let mut limits = controls::limits(conn, queue, whose, &from, wanted).await?;
    let more = limits.len() > PAGE;
    limits.truncate(PAGE);
    Ok((signed(conn, queue, limits).await?, more))
}

/// The least key there is.
fn first() -> LaneName {
    LaneName { tenant: Uuid::nil(), lane: String::new() }
}

/// The least key after `key`: in the C collation nothing sorts between.
fn next(key: &LaneName) -> LaneName {
    LaneName { tenant: key.tenant, lane: format!("{}\u{1}", key.lane) }
}

/// What is set on one key.
///
/// # Errors
/// The database's.
pub async fn get(conn: &mut AsyncPgConnection, queue: &str, lane: &LaneName) -> DbResult<Option<Set>> {
    let found = controls::limit(conn, queue, lane).await?;
    Ok(signed(conn, queue, found.into_iter().collect()).await?.pop())
}

async fn signed(conn: &mut AsyncPgConnection, queue: &str, limits: Vec<Limit>) -> DbResult<Vec<Set>> {
    let rows: Vec<Signed> = statement(
        "SELECT l.tenant_id, l.lane, l.set_by, l.updated_at FROM unnest($2, $3) AS k (tenant_id, lane)
         JOIN queue.limits l ON l.queue = $1 AND l.tenant_id = k.tenant_id AND l.lane = k.lane",
    )
    .bind::<Text, _>(queue)
    .bind::<Array<SqlUuid>, _>(limits.iter().map(|limit| limit.lane.tenant).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(limits.iter().map(|limit| limit.lane.lane.as_str()).collect::<Vec<_>>())
    .load(conn)
    .await?;
    let mut by_key: HashMap<(Uuid, String), (Option<String>, DateTime<Utc>)> =
        rows.into_iter().map(|row| ((row.tenant_id, row.lane), (row.set_by, row.updated_at))).collect();
    let set = limits.into_iter().filter_map(|limit| {
        let (set_by, updated_at) = by_key.remove(&(limit.lane.tenant, limit.lane.lane.clone()))?;
        Some(Set { limit, set_by, updated_at })
    });
    Ok(set.collect())
}
