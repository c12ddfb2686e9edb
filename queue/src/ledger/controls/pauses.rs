//! What was stopped: a queue, a kind, a tenant, a lane; by whom, why and until when.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::lanes::{LaneName, PauseScope, SEPARATOR};
use crate::sql::statement;

/// A pause, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Pause {
    /// The queue, or [`EVERY_QUEUE`](crate::lanes::EVERY_QUEUE).
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Only jobs of this kind.
    #[diesel(sql_type = Nullable<Text>)]
    pub kind: Option<String>,
    /// Only this tenant's jobs, or everybody's.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub tenant_id: Option<Uuid>,
    /// Only this lane's (and those whose paths begin with it), or all of the tenant's; with the nil tenant, everybody's.
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
        match (&self.kind, self.tenant_id, &self.lane) {
            (Some(kind), ..) => PauseScope::Kind(kind.clone()),
            (None, Some(tenant), Some(lane)) => PauseScope::Lane(LaneName { tenant, lane: lane.clone() }),
            (None, Some(tenant), None) => PauseScope::Tenant(tenant),
            (None, None, _) => PauseScope::Queue,
        }
    }
}

/// The parts of a scope as columns.
fn columns(scope: &PauseScope) -> (Option<&str>, Option<Uuid>, Option<&str>) {
    match scope {
        PauseScope::Queue => (None, None, None),
        PauseScope::Kind(kind) => (Some(kind), None, None),
        PauseScope::Tenant(tenant) => (None, Some(*tenant), None),
        PauseScope::Lane(lane) => (None, Some(lane.tenant), Some(&lane.lane)),
    }
}

const PAUSE: &str = "
INSERT INTO queue.pauses (queue, kind, tenant_id, lane, until, reason, paused_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (queue, (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')), (coalesce(lane, '')), (lane IS NULL),
    (coalesce(kind, '')))
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
    let (kind, tenant, lane) = columns(scope);
    statement(PAUSE)
        .bind::<Text, _>(queue)
        .bind::<Nullable<Text>, _>(kind)
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
    let (kind, tenant, lane) = columns(scope);
    let lifted = statement(
        "DELETE FROM queue.pauses WHERE queue = $1 AND kind IS NOT DISTINCT FROM $2
            AND tenant_id IS NOT DISTINCT FROM $3 AND lane IS NOT DISTINCT FROM $4",
    )
    .bind::<Text, _>(queue)
    .bind::<Nullable<Text>, _>(kind)
    .bind::<Nullable<SqlUuid>, _>(tenant)
    .bind::<Nullable<Text>, _>(lane)
    .execute(conn)
    .await?;
    Ok(lifted > 0)
}

#[derive(QueryableByName)]
struct By {
    #[diesel(sql_type = Text)]
    paused_by: String,
}

/// Who has paused exactly this scope; nobody where no pause of it is in force. It stays so until the transaction ends.
///
/// # Errors
/// The database's.
pub async fn paused_by(conn: &mut AsyncPgConnection, queue: &str, scope: &PauseScope) -> QueryResult<Option<String>> {
    let (kind, tenant, lane) = columns(scope);
    let rows: Vec<By> = statement(
        "SELECT paused_by FROM queue.pauses WHERE queue = $1 AND kind IS NOT DISTINCT FROM $2
            AND tenant_id IS NOT DISTINCT FROM $3 AND lane IS NOT DISTINCT FROM $4
            AND (until IS NULL OR until > now()) FOR UPDATE",
    )
    .bind::<Text, _>(queue)
    .bind::<Nullable<Text>, _>(kind)
    .bind::<Nullable<SqlUuid>, _>(tenant)
    .bind::<Nullable<Text>, _>(lane)
    .load(conn)
    .await?;
    Ok(rows.into_iter().next().map(|row| row.paused_by))
}

/// Pauses in force that the role may see, of one queue (those of every queue among them) or of all; the first thousand.
///
/// # Errors
/// The database's.
pub async fn pauses(conn: &mut AsyncPgConnection, queue: Option<&str>) -> QueryResult<Vec<Pause>> {
    statement(
        "SELECT queue, kind, tenant_id, lane, until, reason, paused_by, created_at FROM queue.pauses
         WHERE ($1 IS NULL OR queue IN ($1, '*')) AND (until IS NULL OR until > now()) ORDER BY created_at LIMIT 1000",
    )
    .bind::<Nullable<Text>, _>(queue)
    .load(conn)
    .await
}

// By the expressions of the index pauses_scope: a pause of no tenant, or of no lane, stands there as one of all.
const LONGEST: &str = "
SELECT queue, kind, tenant_id, lane, until, reason, paused_by, created_at FROM queue.pauses
WHERE queue IN ($1, '*') AND coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')
        IN ($3, '00000000-0000-0000-0000-000000000000')
    AND coalesce(lane, '') = ANY($4) AND (kind IS NULL OR kind = $2) AND (until IS NULL OR until > now())
ORDER BY until DESC NULLS FIRST, created_at DESC LIMIT 1";

/// Of all pauses in force that stop jobs of a kind in `lane` of `queue`, the one that does so longest.
///
/// # Errors
/// The database's.
pub async fn longest_pause(
    conn: &mut AsyncPgConnection,
    queue: &str,
    kind: &str,
    lane: &LaneName,
) -> QueryResult<Option<Pause>> {
    let above = lane.lane.match_indices(SEPARATOR).map(|(end, _)| &lane.lane[..end]);
    let keys: Vec<&str> = ["", lane.lane.as_str()].into_iter().chain(above).collect();
    let rows: Vec<Pause> = statement(LONGEST)
        .bind::<Text, _>(queue)
        .bind::<Text, _>(kind)
        .bind::<SqlUuid, _>(lane.tenant)
        .bind::<Array<Text>, _>(keys)
        .load(conn)
        .await?;
    Ok(rows.into_iter().next())
}

/// The kinds that are paused, each with its queue (or that of every queue).
///
/// # Errors
/// The database's.
pub async fn paused_kinds(conn: &mut AsyncPgConnection) -> QueryResult<Vec<(String, String)>> {
    let rows: Vec<PausedKind> =
        statement("SELECT queue, kind FROM queue.pauses WHERE kind IS NOT NULL AND (until IS NULL OR until > now())")
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| (row.queue, row.kind)).collect())
}

#[derive(QueryableByName)]
struct PausedKind {
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// All pauses in force in `queue`, those of every queue among them.
///
/// # Errors
/// The database's.
pub async fn all_pauses(conn: &mut AsyncPgConnection, queue: &str) -> QueryResult<Vec<Pause>> {
    statement(
        "SELECT queue, kind, tenant_id, lane, until, reason, paused_by, created_at FROM queue.pauses
         WHERE queue IN ($1, '*') AND (until IS NULL OR until > now())",
    )
    .bind::<Text, _>(queue)
    .load(conn)
    .await
}
