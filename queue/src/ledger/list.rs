//! Lists of jobs, newest first, by what people filter on.
//!
//! One text for each way into the table, because a condition on a parameter hides an index: by id, by subject, and
//! the dead, who are few among many and have a partial index that only a literal state can use.
//!
//! A filter that few jobs pass must not read millions to fill a page: whichever way a list goes, one call looks at
//! about [`SCANNED`] jobs and says how far it came.
//! Rejected: an index by state, which every job would pay for twice.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::view::{JobView, view_columns};
use crate::sql::statement;

/// Which jobs a list shows; unset means any.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Exactly these states; empty means any.
    pub states: Vec<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this lane.
    pub lane: Option<String>,
    /// In this group.
    pub group: Option<Uuid>,
    /// About this record.
    pub subject: Option<String>,
    /// With this class of error.
    pub error_class: Option<String>,
    /// Whose last error has this code.
    pub error_code: Option<String>,
    /// Made at or after.
    pub created_from: Option<DateTime<Utc>>,
    /// Made before.
    pub created_before: Option<DateTime<Utc>>,
    /// Ended at or after.
    pub finished_from: Option<DateTime<Utc>>,
    /// Ended before.
    pub finished_before: Option<DateTime<Utc>>,
    /// Whether a worker runs it now.
    pub running: Option<bool>,
    /// Whether it is held, or was put off for a reason.
    pub held: Option<bool>,
}

macro_rules! conditions {
    () => {
        " AND (cardinality($3) = 0 OR state = ANY($3))
        AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5)
        AND ($6 IS NULL OR error_class = $6) AND ($7 IS NULL OR split_part(last_error, ': ', 1) = $7)
        AND ($8 IS NULL OR id >= queue.uuid_floor($8)) AND ($9 IS NULL OR id < queue.uuid_floor($9))
        AND ($10 IS NULL OR finished_at >= $10) AND ($11 IS NULL OR finished_at < $11)
        AND ($12 IS NULL OR (running_since IS NOT NULL) = $12)
        AND ($13 IS NULL OR (state = 'held' OR state = 'scheduled' AND held_reason IS NOT NULL) = $13)
        AND ($14 IS NULL OR lane = $14) AND ($15 IS NULL OR group_id = $15)"
    };
}

/// Most jobs that one call looks at.
pub const SCANNED: i64 = 10_000;

/// One way into the table: what is found there, and where a call stopped that looked at all it may.
struct Way {
    list: &'static str,
    /// The last of the jobs that were looked at, where there were as many as that.
    reached: &'static str,
}

macro_rules! way {
    ($found:literal, $again:literal) => {
        Way {
            list: concat!(
                "SELECT ",
                view_columns!(),
                " FROM (SELECT * FROM queue.jobs WHERE tenant_id = $1 AND id < $2 AND id >= $19",
                $found,
                " ORDER BY id DESC LIMIT $18) jobs WHERE ($17 IS NULL OR subject = $17)",
                conditions!(),
                " ORDER BY id DESC LIMIT $16"
            ),
            reached: concat!(
                "SELECT id FROM queue.jobs WHERE tenant_id = $1 AND id < $2",
                $again,
                " ORDER BY id DESC OFFSET $3 LIMIT 1"
            ),
        }
    };
}

const BY_ID: Way = way!("", "");
const BY_SUBJECT: Way = way!(" AND subject = $17", " AND subject = $4");
const THE_DEAD: Way = way!(" AND state = 'dead'", " AND state = 'dead'");

/// Jobs that were found.
#[derive(Debug, Default)]
pub struct Listed {
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Where the call stopped looking, if it did before it had found enough: there may be more before this id.
    pub reached: Option<Uuid>,
}

/// The jobs of `tenant` that match, newest first, before the id `before`.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    filter: &JobFilter,
    before: Uuid,
    limit: i64,
) -> QueryResult<Listed> {
    let only_dead = filter.states.len() == 1 && filter.states.iter().all(|state| state == "dead");
    let way = match (&filter.subject, only_dead) {
        (_, true) => THE_DEAD,
        (Some(_), false) => BY_SUBJECT,
        (None, false) => BY_ID,
    };
    // An id holds its time: what is too new or too old need not be looked at.
    let before = filter.created_before.map_or(before, |at| before.min(floor(at)));
    let from = filter.created_from.map_or(Uuid::nil(), floor);
    // The dead come and go: how far the call looks is decided before it looks, or some would be passed over in between.
    let end = if only_dead { way.end(conn, tenant, before, filter).await? } else { None };
    let jobs: Vec<JobView> = statement(way.list)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(before)
        .bind::<Array<Text>, _>(&filter.states)
        .bind::<Nullable<Text>, _>(&filter.queue)
        .bind::<Nullable<Text>, _>(&filter.kind)
        .bind::<Nullable<Text>, _>(&filter.error_class)
        .bind::<Nullable<Text>, _>(&filter.error_code)
        .bind::<Nullable<Timestamptz>, _>(filter.created_from)
        .bind::<Nullable<Timestamptz>, _>(filter.created_before)
        .bind::<Nullable<Timestamptz>, _>(filter.finished_from)
        .bind::<Nullable<Timestamptz>, _>(filter.finished_before)
        .bind::<Nullable<Bool>, _>(filter.running)
        .bind::<Nullable<Bool>, _>(filter.held)
        .bind::<Nullable<Text>, _>(&filter.lane)
        .bind::<Nullable<SqlUuid>, _>(filter.group)
        .bind::<Int8, _>(limit)
        .bind::<Nullable<Text>, _>(&filter.subject)
        .bind::<Int8, _>(if end.is_some() { 2 * SCANNED } else { SCANNED })
        .bind::<SqlUuid, _>(end.unwrap_or(from).max(from))
        .load(&mut *conn)
        .await?;
    if jobs.len() as u64 >= limit.unsigned_abs() {
        return Ok(Listed { jobs, reached: None });
    }
    let end = if only_dead { end } else { way.end(conn, tenant, before, filter).await? };
    Ok(Listed { jobs, reached: end.filter(|id| *id > from) })
}

impl Way {
    /// The last of the jobs that a call may look at; none where there are fewer.
    async fn end(
        &self,
        conn: &mut AsyncPgConnection,
        tenant: Uuid,
        before: Uuid,
        filter: &JobFilter,
    ) -> QueryResult<Option<Uuid>> {
        let last: Vec<Id> = statement(self.reached)
            .bind::<SqlUuid, _>(tenant)
            .bind::<SqlUuid, _>(before)
            .bind::<Int8, _>(SCANNED - 1)
            .bind::<Nullable<Text>, _>(&filter.subject)
            .load(conn)
            .await?;
        Ok(last.into_iter().next().map(|row| row.id))
    }
}

/// The least UUIDv7 of an instant.
pub(crate) fn floor(at: DateTime<Utc>) -> Uuid {
    Uuid::from_u128(u128::from(u64::try_from(at.timestamp_millis()).unwrap_or(0)) << 80)
}

#[derive(QueryableByName)]
pub(super) struct Id {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
}
