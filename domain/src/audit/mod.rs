//! Who did what to what: written in the transaction of the deed, so that there is no deed without its entry.
//!
//! Append-only for the application (it may SELECT and INSERT). `detail` holds what changed, and never a secret.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::DbResult;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{AuditEntryId, TenantId};
use patchbay_queue::sql::statement;

/// One deed.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its id, of the instant at which it happened.
    pub id: AuditEntryId,
    /// Whose log it belongs to.
    pub tenant: TenantId,
    /// Who did it: the public id of a key, or `system`.
    pub actor: &'a str,
    /// What was done, as `resource.verb`.
    pub action: &'static str,
    /// The public id of what it was done to.
    pub subject: String,
    /// What changed.
    pub detail: serde_json::Value,
    /// The request that did it.
    pub request_id: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes `entry`.
///
/// # Errors
/// As any write.
pub async fn record(conn: &mut AsyncPgConnection, entry: Entry<'_>) -> DbResult<()> {
    let written = statement(
        "INSERT INTO audit_log (tenant_id, id, actor, action, subject, detail, request_id, occurred_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind::<Uuid, _>(entry.tenant)
    .bind::<Uuid, _>(entry.id)
    .bind::<Text, _>(entry.actor)
    .bind::<Text, _>(entry.action)
    .bind::<Text, _>(entry.subject)
    .bind::<Jsonb, _>(entry.detail)
    .bind::<Nullable<Text>, _>(Some(entry.request_id))
    .bind::<Timestamptz, _>(entry.at)
    .execute(conn)
    .await?;
    expect_rows(1, written)
}
