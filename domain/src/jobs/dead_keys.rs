//! Finding dead letters in bulk: by the index that they have (tenant, the instant they gave up, id), so that each
//! further page of a million costs what the first one does.
//!
//! Rejected: by id, as lists show them. The index does not have that order, and each slice of a long redrive would sort
//! all that is left.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{DbResult, Page, Paged, TypedId};
use patchbay_queue::ledger::list::SCANNED;
use patchbay_queue::ledger::view::{self, JobView};
use patchbay_queue::sql::statement;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dead_letters::Filter;
use super::model::storable;

/// A dead letter's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, QueryableByName)]
pub struct Key {
    /// Whose it is.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: TenantId,
    /// When it gave up.
    #[diesel(sql_type = Timestamptz)]
    pub finished_at: DateTime<Utc>,
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: JobId,
}

impl Key {
    /// Before all others.
    fn first() -> Self {
        let nil = Uuid::nil();
        Self { tenant_id: nil.into(), finished_at: DateTime::UNIX_EPOCH, id: nil.into() }
    }

    /// Whose job, and which.
    #[must_use]
    pub fn job(&self) -> (TenantId, JobId) {
        (self.tenant_id, self.id)
    }
}

macro_rules! conditions {
    () => {
        " AND ($1 IS NULL OR queue = $1) AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR subject = $3)
        AND ($4 IS NULL OR error_class = $4) AND ($5 IS NULL OR split_part(last_error, ': ', 1) = $5)
        AND ($6 IS NULL OR finished_at >= $6) AND ($7 IS NULL OR finished_at < $7)
        AND ($8 IS NULL OR lane = $8) AND ($9 IS NULL OR group_id = $9)"
    };
}

/// Binds `$1` to `$9`.
macro_rules! filtered {
    ($sql:expr, $filter:expr) => {
        statement($sql)
            .bind::<Nullable<Text>, _>(&$filter.queue)
            .bind::<Nullable<Text>, _>(&$filter.kind)
            .bind::<Nullable<Text>, _>(&$filter.subject)
            .bind::<Nullable<Text>, _>(&$filter.error_class)
            .bind::<Nullable<Text>, _>(&$filter.error_code)
            .bind::<Nullable<Timestamptz>, _>($filter.failed_from.map(storable))
            .bind::<Nullable<Timestamptz>, _>($filter.failed_before.map(storable))
            .bind::<Nullable<Text>, _>(&$filter.lane)
            .bind::<Nullable<SqlUuid>, _>($filter.group)
    };
}

const OF_TENANT: &str = concat!(
    "SELECT tenant_id, finished_at, id FROM queue.jobs
    WHERE state = 'dead' AND tenant_id = $10 AND (finished_at, id) > ($11, $12)",
    conditions!(),
    " ORDER BY finished_at, id LIMIT $13"
);

const OF_ALL: &str = concat!(
    "SELECT tenant_id, finished_at, id FROM queue.jobs
    WHERE state = 'dead' AND (tenant_id, finished_at, id) > ($10, $11, $12)",
    conditions!(),
    " ORDER BY tenant_id, finished_at, id LIMIT $13"
);

/// The next `limit` dead letters after `after` that match, those that gave up first at the front; of `whose`, or of
/// everybody the role may see, tenant by tenant.
///
/// # Errors
/// The database's.
pub async fn next(
    conn: &mut AsyncPgConnection,
    whose: Option<TenantId>,
    filter: &Filter,
    after: Option<Key>,
    limit: i64,
) -> DbResult<Vec<Key>> {
    let after = after.unwrap_or_else(|| match whose {
        Some(tenant_id) => {
            let finished_at = filter.failed_from.map_or(DateTime::UNIX_EPOCH, storable);
            Key { tenant_id, finished_at, ..Key::first() }
        }
        None => Key::first(),
    });
    let rows = filtered!(if whose.is_some() { OF_TENANT } else { OF_ALL }, filter)
        .bind::<SqlUuid, _>(after.tenant_id)
        .bind::<Timestamptz, _>(after.finished_at)
        .bind::<SqlUuid, _>(after.id)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    Ok(rows)
}

const AMONG: &str = "
SELECT tenant_id, finished_at, id FROM queue.jobs
WHERE id = ANY ($1) AND state = 'dead' AND ($2 IS NULL OR tenant_id = $2) AND ($3 IS NULL OR finished_at < $3)
    AND (tenant_id, finished_at, id) > ($4, $5, $6)
ORDER BY tenant_id, finished_at, id LIMIT $7";

/// As [`next`], of `ids` and of those that gave up before `before` where it is given.
///
/// # Errors
/// The database's.
pub async fn among(
    conn: &mut AsyncPgConnection,
    whose: Option<TenantId>,
    ids: &[JobId],
    before: Option<DateTime<Utc>>,
    after: Option<Key>,
    limit: i64,
) -> DbResult<Vec<Key>> {
    let after = after.unwrap_or_else(Key::first);
    let rows = statement(AMONG)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Nullable<SqlUuid>, _>(whose)
        .bind::<Nullable<Timestamptz>, _>(before.map(storable))
        .bind::<SqlUuid, _>(after.tenant_id)
        .bind::<Timestamptz, _>(after.finished_at)
        .bind::<SqlUuid, _>(after.id)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    Ok(rows)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

const COUNT: &str = concat!(
    "SELECT count(*) AS found FROM (SELECT FROM queue.jobs
    WHERE state = 'dead' AND ($10 IS NULL OR tenant_id = $10)",
    conditions!(),
    " LIMIT $11) found"
);

/// How many match, counted up to `most`.
///
/// # Errors
/// The database's.
pub async fn count(conn: &mut AsyncPgConnection, whose: Option<TenantId>, filter: &Filter, most: i64) -> DbResult<i64> {
    let count: Count =
        filtered!(COUNT, filter).bind::<Nullable<SqlUuid>, _>(whose).bind::<BigInt, _>(most).get_result(conn).await?;
    Ok(count.found)
}

const NEWEST: &str = concat!(
    "SELECT tenant_id, finished_at, id FROM
        (SELECT * FROM queue.jobs WHERE state = 'dead' AND id < $10 AND id >= $13 ORDER BY id DESC LIMIT $12) jobs
    WHERE true",
    conditions!(),
    " ORDER BY id DESC LIMIT $11"
);

// The last of those that may be looked at, where there are as many as that.
const END: &str = "SELECT tenant_id, finished_at, id FROM queue.jobs WHERE state = 'dead' AND id < $1
    ORDER BY id DESC OFFSET $2 LIMIT 1";

/// A page of everybody's dead letters that the role may see, the newest job first. It looks at [`SCANNED`] at most, and may
/// hold fewer than there is room for although more follow.
///
/// # Errors
/// The database's.
pub async fn of_all(conn: &mut AsyncPgConnection, filter: &Filter, page: Page) -> DbResult<Paged<JobView>> {
    // Decided before it is looked, since the dead come and go: some would be passed over in between.
    let end: Vec<Key> =
        statement(END).bind::<SqlUuid, _>(page.before()).bind::<BigInt, _>(SCANNED - 1).load(conn).await?;
    let end = end.into_iter().next().map(|key| key.id.uuid());
    let keys: Vec<Key> = filtered!(NEWEST, filter)
        .bind::<SqlUuid, _>(page.before())
        .bind::<BigInt, _>(page.fetch())
        .bind::<BigInt, _>(2 * SCANNED)
        .bind::<SqlUuid, _>(end.unwrap_or(Uuid::nil()))
        .load(conn)
        .await?;
    // Of a full set some may live again by now; the next page begins after it all the same.
    let is_full = keys.len() as u64 >= page.fetch().unsigned_abs();
    let reached = if is_full { keys.last().map(|key| key.id.uuid()) } else { end };
    let mut rows = views(conn, &keys).await?;
    rows.sort_unstable_by_key(|job| std::cmp::Reverse(job.id));
    Ok(page.cut_at(rows, reached, |job| job.id))
}

/// The jobs behind `keys`, in their order; those that live again meanwhile are left out.
///
/// # Errors
/// The database's.
pub async fn views(conn: &mut AsyncPgConnection, keys: &[Key]) -> DbResult<Vec<JobView>> {
    let known: Vec<_> = keys.iter().map(|key| (key.tenant_id.uuid(), key.id.uuid(), -1)).collect();
    let mut rows = view::changed(conn, &known).await?;
    rows.retain(|job| job.state == "dead");
    let place: std::collections::HashMap<Uuid, usize> =
        keys.iter().enumerate().map(|(place, key)| (key.id.uuid(), place)).collect();
    rows.sort_unstable_by_key(|job| place.get(&job.id).copied());
    Ok(rows)
}

/// Whose dead letter `id` is.
///
/// # Errors
/// The database's.
pub async fn owner(conn: &mut AsyncPgConnection, id: JobId) -> DbResult<Option<TenantId>> {
    let rows: Vec<Key> =
        statement("SELECT tenant_id, finished_at, id FROM queue.jobs WHERE state = 'dead' AND id = $1")
            .bind::<SqlUuid, _>(id)
            .load(conn)
            .await?;
    Ok(rows.into_iter().next().map(|key| key.tenant_id))
}
