//! Reading jobs, for people and programs. Runs under the caller's role: row-level security decides
//! whose jobs there are.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bytea, Int2, Int4, Int8, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
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
    pub held_by: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub group_id: Option<Uuid>,
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
         held_reason, held_by, group_id, error_class, last_error, attempts, result, progress_total, progress_succeeded, \
         progress_failed, progress_skipped, progress_held, revision, request_id, created_at"
    };
}
pub(crate) use view_columns;

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

// The list is the driving side: one probe of the primary key per job, in the one partition that its id names.
const CHANGED: &str = concat!(
    "SELECT ",
    view_columns!(),
    " FROM unnest($1, $2, $3) AS known (of_tenant, of_id, at_revision) CROSS JOIN LATERAL (
        SELECT * FROM queue.jobs j WHERE j.tenant_id = of_tenant AND j.id = of_id AND j.revision > at_revision) j"
);

/// Those of `known` (tenant, id, revision) that have changed since. Cheap where few have: for those who
/// watch many jobs.
///
/// # Errors
/// The database's.
pub async fn changed(conn: &mut AsyncPgConnection, known: &[(Uuid, Uuid, i64)]) -> QueryResult<Vec<JobView>> {
    statement(CHANGED)
        .bind::<Array<SqlUuid>, _>(known.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(known.iter().map(|job| job.1).collect::<Vec<_>>())
        .bind::<Array<Int8>, _>(known.iter().map(|job| job.2).collect::<Vec<_>>())
        .load(conn)
        .await
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Int8)]
    count: i64,
}

// Driven by the list, as above. What the pause of its kind has parked never ran; its lease may be there a moment longer.
const RUNNING_OF_KIND: &str = "
SELECT count(*) AS count FROM unnest($1, $2) AS known (of_tenant, of_id) CROSS JOIN LATERAL (
    SELECT FROM queue.jobs j WHERE j.tenant_id = of_tenant AND j.id = of_id AND j.kind = $3
        AND j.held_by IS DISTINCT FROM 'kind_pause') j";

/// How many of `leased` (tenant, id; [`Lanes::leased`] has them) are jobs of `kind` that run. Redis does not know the kind
/// of what runs.
///
/// # Errors
/// The database's.
///
/// [`Lanes::leased`]: crate::Lanes::leased
pub async fn running_of_kind(conn: &mut AsyncPgConnection, leased: &[(Uuid, Uuid)], kind: &str) -> QueryResult<u64> {
    let found: Count = statement(RUNNING_OF_KIND)
        .bind::<Array<SqlUuid>, _>(leased.iter().map(|job| job.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(leased.iter().map(|job| job.1).collect::<Vec<_>>())
        .bind::<Text, _>(kind)
        .get_result(conn)
        .await?;
    Ok(found.count.unsigned_abs())
}

#[derive(QueryableByName)]
struct Payload {
    #[diesel(sql_type = Bytea)]
    payload: Vec<u8>,
}

/// The payload of the job `id` of `tenant`, if the role may see it.
///
/// # Errors
/// The database's.
pub async fn payload(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<Vec<u8>>> {
    let rows: Vec<Payload> = statement("SELECT payload FROM queue.jobs WHERE tenant_id = $1 AND id = $2")
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .load(conn)
        .await?;
    Ok(rows.into_iter().next().map(|row| row.payload))
}
