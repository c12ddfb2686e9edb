//! Who did what to what: written in the transaction of the deed, so that there is no deed without its entry.
//!
//! Append-only for the application (it may SELECT and INSERT). `detail` holds what changed, and never a secret.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid};
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
    /// The request behind it, where there is one.
    pub request_id: Option<&'a str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Writes `entry`.
///
/// # Errors
/// As any write.
pub async fn record(conn: &mut AsyncPgConnection, entry: Entry<'_>) -> DbResult<()> {
    record_all(conn, &[entry]).await
}

/// Writes `entries`, in one statement.
///
/// # Errors
/// As any write.
pub async fn record_all(conn: &mut AsyncPgConnection, entries: &[Entry<'_>]) -> DbResult<()> {
    fn column<'a, T>(entries: &'a [Entry<'_>], of: impl Fn(&'a Entry<'_>) -> T) -> Vec<T> {
        entries.iter().map(of).collect()
    }
    let written = statement(
        "INSERT INTO audit_log (tenant_id, id, actor, action, subject, detail, request_id, occurred_at)
         SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind::<Array<Uuid>, _>(column(entries, |entry| entry.tenant))
    .bind::<Array<Uuid>, _>(column(entries, |entry| entry.id))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.actor))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.action))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.subject.as_str()))
    .bind::<Array<Jsonb>, _>(column(entries, |entry| &entry.detail))
    .bind::<Array<Nullable<Text>>, _>(column(entries, |entry| entry.request_id))
    .bind::<Array<Timestamptz>, _>(column(entries, |entry| entry.at))
    .execute(conn)
    .await?;
    expect_rows(entries.len(), written)
}
