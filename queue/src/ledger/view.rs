//! Reading jobs, for people and programs. Runs under the caller's role: row-level security decides
//! whose jobs there are.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Int2, Int4, Int8, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::progress::Progress;
use crate::sql::statement;

/// Everything about a job but its payload.
#[derive(Debug, Clone, QueryableByName)]
#[expect(missing_docs, reason = "the columns of queue.jobs, described there")]
pub struct JobView {
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub queue: String,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Int2)]
    pub version: i16,
    #[diesel(sql_type = Text)]
    pub lane: String,
    #[diesel(sql_type = Int2)]
    pub priority: i16,
    #[diesel(sql_type = Int4)]
    pub cost: i32,
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub subject: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub run_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub not_after: Option<DateTime<Utc>>,
    #[diesel(sql_type = Int2)]
    pub max_attempts: i16,
    #[diesel(sql_type = Int2)]
    pub errors: i16,
    #[diesel(sql_type = Int2)]
    pub crashes: i16,
    #[diesel(sql_type = Int4)]
    pub interruptions: i32,
    #[diesel(sql_type = Nullable<Text>)]
    pub worker: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub running_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub started_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub cancel_requested_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    pub held_reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub error_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    #[diesel(sql_type = Jsonb)]
    pub attempts: Value,
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub result: Option<Value>,
    #[diesel(sql_type = Int4)]
    pub progress_total: i32,
    #[diesel(sql_type = Int4)]
    pub progress_succeeded: i32,
    #[diesel(sql_type = Int4)]
    pub progress_failed: i32,
    #[diesel(sql_type = Int4)]
    pub progress_skipped: i32,
    #[diesel(sql_type = Int4)]
    pub progress_held: i32,
    #[diesel(sql_type = Int8)]
    pub revision: i64,
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

macro_rules! view_columns {
    () => {
        "tenant_id, id, queue, kind, version, lane, priority, cost, state, subject, run_at, not_after, max_attempts, \
         errors, crashes, interruptions, worker, running_since, started_at, finished_at, cancel_requested_at, \
         held_reason, error_class, last_error, attempts, result, progress_total, progress_succeeded, \
         progress_failed, progress_skipped, progress_held, revision, request_id, created_at"
    };
}

impl JobView {
    /// The counts together.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        Progress {
            total: self.progress_total,
            succeeded: self.progress_succeeded,
            failed: self.progress_failed,
            skipped: self.progress_skipped,
            held: self.progress_held,
        }
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "dead" | "cancelled" | "discarded")
    }
}

/// The jobs of `ids` that the role may see.
///
/// # Errors
/// The database's.
pub async fn get_many(conn: &mut AsyncPgConnection, ids: &[Uuid]) -> QueryResult<Vec<JobView>> {
    statement(concat!("SELECT ", view_columns!(), " FROM queue.jobs WHERE id = ANY($1)"))
        .bind::<Array<SqlUuid>, _>(ids)
        .load(conn)
        .await
}

/// The job `id` of `tenant`, if the role may see it.
///
/// # Errors
/// The database's.
pub async fn get(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<JobView>> {
    let rows: Vec<JobView> =
        statement(concat!("SELECT ", view_columns!(), " FROM queue.jobs WHERE tenant_id = $1 AND id = $2"))
            .bind::<SqlUuid, _>(tenant)
            .bind::<SqlUuid, _>(id)
            .load(conn)
            .await?;
    Ok(rows.into_iter().next())
}

/// Which jobs a list shows; unset means any.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Exactly these states; empty means any.
    pub states: Vec<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
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
    /// Whether a worker runs it now.
    pub running: Option<bool>,
}

// Two branches for the subject, because a condition on a parameter hides its index.
const LIST: &str = concat!(
    "SELECT ",
    view_columns!(),
    " FROM queue.jobs
    WHERE tenant_id = $1 AND id < $2
        AND (cardinality($3) = 0 OR state = ANY($3))
        AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5)
        AND ($6 IS NULL OR error_class = $6) AND ($7 IS NULL OR last_error LIKE $7 || ':%')
        AND ($8 IS NULL OR id >= queue.uuid_floor($8)) AND ($9 IS NULL OR id < queue.uuid_floor($9))
        AND ($10 IS NULL OR (running_since IS NOT NULL) = $10)
    ORDER BY id DESC LIMIT $11"
);

const LIST_SUBJECT: &str = concat!(
    "SELECT ",
    view_columns!(),
    " FROM queue.jobs
    WHERE tenant_id = $1 AND id < $2 AND subject = $12
        AND (cardinality($3) = 0 OR state = ANY($3))
        AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5)
        AND ($6 IS NULL OR error_class = $6) AND ($7 IS NULL OR last_error LIKE $7 || ':%')
        AND ($8 IS NULL OR id >= queue.uuid_floor($8)) AND ($9 IS NULL OR id < queue.uuid_floor($9))
        AND ($10 IS NULL OR (running_since IS NOT NULL) = $10)
    ORDER BY id DESC LIMIT $11"
);

// Dead letters are few among many: their own partial index, which only a literal state can use.
const LIST_DEAD: &str = concat!(
    "SELECT ",
    view_columns!(),
    " FROM queue.jobs
    WHERE tenant_id = $1 AND state = 'dead' AND id < $2
        AND (cardinality($3) = 0 OR state = ANY($3))
        AND ($4 IS NULL OR queue = $4) AND ($5 IS NULL OR kind = $5)
        AND ($6 IS NULL OR error_class = $6) AND ($7 IS NULL OR last_error LIKE $7 || ':%')
        AND ($8 IS NULL OR id >= queue.uuid_floor($8)) AND ($9 IS NULL OR id < queue.uuid_floor($9))
        AND ($10 IS NULL OR (running_since IS NOT NULL) = $10) AND ($12 IS NULL OR subject = $12)
    ORDER BY id DESC LIMIT $11"
);

/// The jobs of `tenant` that match, newest first, before the id `before`.
///
/// # Errors
/// The database's.
pub async fn list(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    filter: &JobFilter,
    before: Option<Uuid>,
    limit: i64,
) -> QueryResult<Vec<JobView>> {
    let only_dead = filter.states.len() == 1 && filter.states.iter().all(|state| state == "dead");
    let sql = match (only_dead, &filter.subject) {
        (true, _) => LIST_DEAD,
        (false, Some(_)) => LIST_SUBJECT,
        (false, None) => LIST,
    };
    let query = statement(sql)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(before.unwrap_or(Uuid::max()))
        .bind::<Array<Text>, _>(&filter.states)
        .bind::<Nullable<Text>, _>(&filter.queue)
        .bind::<Nullable<Text>, _>(&filter.kind)
        .bind::<Nullable<Text>, _>(&filter.error_class)
        .bind::<Nullable<Text>, _>(&filter.error_code)
        .bind::<Nullable<Timestamptz>, _>(filter.created_from)
        .bind::<Nullable<Timestamptz>, _>(filter.created_before)
        .bind::<Nullable<diesel::sql_types::Bool>, _>(filter.running)
        .bind::<Int8, _>(limit);
    if sql == LIST { query.load(conn).await } else { query.bind::<Nullable<Text>, _>(&filter.subject).load(conn).await }
}

/// How much waits in a queue, as the ledger sees it.
#[derive(Debug, Clone, QueryableByName)]
pub struct Depth {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Due jobs, those that run among them.
    #[diesel(sql_type = Int8)]
    pub waiting: i64,
    /// When the first of them was made.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub oldest: Option<DateTime<Utc>>,
}

/// The depth of each queue for the role's tenant (all tenants for the system role).
///
/// # Errors
/// The database's.
pub async fn depths(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Depth>> {
    statement(
        "SELECT queue, count(*) AS waiting, min(created_at) AS oldest FROM queue.jobs
         WHERE state = 'waiting' GROUP BY queue ORDER BY queue",
    )
    .load(conn)
    .await
}
