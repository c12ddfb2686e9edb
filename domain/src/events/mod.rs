//! Facts that happened, written in the transaction that made them happen: the source of webhooks and timelines.
//!
//! One event per change of a record a person made; a bulk job writes one for the whole (`import.completed`), since
//! a hundred thousand `contact.created` would bury every subscriber and double what the job writes.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{EventId, TenantId};
use patchbay_db::{DbResult, Ids, Tx};
use patchbay_queue::sql::statement;
use serde_json::Value;

/// What stands behind a change: its instant, the source of ids, and the request that asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// Where new ids come from.
    pub ids: &'a Ids,
    /// When it happens.
    pub now: DateTime<Utc>,
    /// The request behind it, where there is one.
    pub request_id: Option<&'a str>,
}

/// Writes the event `kind` (`contact.created`) about the record `subject`.
///
/// # Errors
/// As any write.
pub async fn record(
    tx: &mut Tx,
    cause: &Cause<'_>,
    kind: &'static str,
    subject: String,
    payload: Value,
) -> DbResult<()> {
    let tenant = tx.tenant();
    record_of(tx, tenant, cause, kind, subject, payload).await
}

/// As [`record`], where it is not the tenant's own transaction: the operator makes and changes tenants.
///
/// # Errors
/// As any write.
pub async fn record_of(
    conn: &mut AsyncPgConnection,
    tenant: TenantId,
    cause: &Cause<'_>,
    kind: &'static str,
    subject: String,
    payload: Value,
) -> DbResult<()> {
    let id: EventId = cause.ids.make(cause.now);
    let written = statement(
        "INSERT INTO events (tenant_id, id, type, subject, payload, request_id, occurred_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<Uuid, _>(tenant)
    .bind::<Uuid, _>(id)
    .bind::<Text, _>(kind)
    .bind::<Text, _>(subject)
    .bind::<Jsonb, _>(payload)
    .bind::<Nullable<Text>, _>(cause.request_id)
    .bind::<Timestamptz, _>(cause.now)
    .execute(conn)
    .await?;
    expect_rows(1, written)
}
