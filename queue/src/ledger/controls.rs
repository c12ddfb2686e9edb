//! Pauses and rates as people set them; the keeper copies them to Redis, and so may the caller.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Double, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::lanes::{LaneName, PauseScope, RateLimit};
use crate::sql::statement;

/// A pause, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Pause {
    /// The queue.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Only this tenant's jobs, or everybody's.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub tenant_id: Option<Uuid>,
    /// Only this lane's, or all of the tenant's.
    #[diesel(sql_type = Nullable<Text>)]
    pub lane: Option<String>,
    /// Resumes by itself then.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub until: Option<DateTime<Utc>>,
    /// Why.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// Who.
    #[diesel(sql_type = Text)]
    pub paused_by: String,
    /// When.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

impl Pause {
    /// What it covers.
    #[must_use]
    pub fn scope(&self) -> PauseScope {
        match (self.tenant_id, &self.lane) {
            (Some(tenant), Some(lane)) => PauseScope::Lane(LaneName { tenant, lane: lane.clone() }),
            (Some(tenant), None) => PauseScope::Tenant(tenant),
            (None, _) => PauseScope::Queue,
        }
    }
}

/// The parts of a scope as columns.
fn columns(scope: &PauseScope) -> (Option<Uuid>, Option<&str>) {
    match scope {
        PauseScope::Queue => (None, None),
        PauseScope::Tenant(tenant) => (Some(*tenant), None),
        PauseScope::Lane(lane) => (Some(lane.tenant), Some(&lane.lane)),
    }
}

const PAUSE: &str = "
INSERT INTO queue.pauses (queue, tenant_id, lane, until, reason, paused_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (queue, (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')), (coalesce(lane, '')), (lane IS NULL))
DO UPDATE SET until = excluded.until, reason = excluded.reason, paused_by = excluded.paused_by, created_at = now()";

/// Notes a pause, instead of any that covers the same.
///
/// # Errors
/// The database's; the application's role may pause only its tenant's lanes.
pub async fn pause(
    conn: &mut AsyncPgConnection,
    queue: &str,
    scope: &PauseScope,
    until: Option<DateTime<Utc>>,
    reason: &str,
    by: &str,
) -> QueryResult<()> {
    let (tenant, lane) = columns(scope);
    statement(PAUSE)
        .bind::<Text, _>(queue)
        .bind::<Nullable<SqlUuid>, _>(tenant)
        .bind::<Nullable<Text>, _>(lane)
        .bind::<Nullable<Timestamptz>, _>(until)
        .bind::<Text, _>(reason)
        .bind::<Text, _>(by)
        .execute(conn)
        .await
        .map(drop)
}

/// Lifts a pause; `false`: there was none.
///
/// # Errors
/// The database's.
pub async fn resume(conn: &mut AsyncPgConnection, queue: &str, scope: &PauseScope) -> QueryResult<bool> {
    let (tenant, lane) = columns(scope);
    let lifted = statement(
        "DELETE FROM queue.pauses WHERE queue = $1 AND tenant_id IS NOT DISTINCT FROM $2 AND lane IS NOT DISTINCT FROM $3",
    )
    .bind::<Text, _>(queue)
    .bind::<Nullable<SqlUuid>, _>(tenant)
    .bind::<Nullable<Text>, _>(lane)
    .execute(conn)
    .await?;
    Ok(lifted > 0)
}

/// The pauses in force that the role may see, of one queue or of all.
///
/// # Errors
/// The database's.
pub async fn pauses(conn: &mut AsyncPgConnection, queue: Option<&str>) -> QueryResult<Vec<Pause>> {
    statement(
        "SELECT queue, tenant_id, lane, until, reason, paused_by, created_at FROM queue.pauses
         WHERE ($1 IS NULL OR queue = $1) AND (until IS NULL OR until > now()) ORDER BY created_at LIMIT 1000",
    )
    .bind::<Nullable<Text>, _>(queue)
    .load(conn)
    .await
}

#[derive(QueryableByName)]
struct Limit {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    lane: String,
    #[diesel(sql_type = Double)]
    rate_per_second: f64,
    #[diesel(sql_type = Int4)]
    burst: i32,
}

/// The rates of a queue that the role may see.
///
/// # Errors
/// The database's.
pub async fn limits(conn: &mut AsyncPgConnection, queue: &str) -> QueryResult<Vec<RateLimit>> {
    let rows: Vec<Limit> =
        statement("SELECT tenant_id, lane, rate_per_second, burst FROM queue.limits WHERE queue = $1")
            .bind::<Text, _>(queue)
            .load(conn)
            .await?;
    Ok(rows
        .into_iter()
        .map(|row| RateLimit {
            lane: LaneName { tenant: row.tenant_id, lane: row.lane },
            rate_per_second: row.rate_per_second,
            burst: row.burst,
        })
        .collect())
}

/// Notes a rate; [`Lanes::set_limits`](crate::Lanes::set_limits) puts it into force at once.
///
/// # Errors
/// The database's.
pub async fn set_limit(conn: &mut AsyncPgConnection, queue: &str, limit: &RateLimit) -> QueryResult<()> {
    statement(
        "INSERT INTO queue.limits (tenant_id, queue, lane, rate_per_second, burst) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, queue, lane) DO UPDATE SET
            rate_per_second = excluded.rate_per_second, burst = excluded.burst, updated_at = now()",
    )
    .bind::<SqlUuid, _>(limit.lane.tenant)
    .bind::<Text, _>(queue)
    .bind::<Text, _>(&limit.lane.lane)
    .bind::<Double, _>(limit.rate_per_second)
    .bind::<Int4, _>(limit.burst)
    .execute(conn)
    .await
    .map(drop)
}
