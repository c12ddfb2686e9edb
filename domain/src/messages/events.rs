//! The facts that messages leave behind (`message.sent`, `message.delivered`, …), a set at a time.
//!
//! Acceptance writes none: the message's own row says it, and a second row for each would be most of the cost of
//! accepting a batch. Events begin where something happened outside.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Jsonb, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, EventId, MessageId};
use patchbay_db::{DbResult, Ids, Tx};
use patchbay_queue::sql::statement;
use serde_json::{Value, json};

use super::state::MessageState;

/// One message's new state.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The message.
    pub message: MessageId,
    /// Whom it concerns.
    pub contact: Option<ContactId>,
    /// What it became.
    pub state: MessageState,
    /// Why, where that is bad.
    pub error_code: Option<String>,
}

impl Fact {
    fn payload(&self) -> Value {
        json!({
            "message_id": self.message,
            "contact_id": self.contact,
            "state": self.state.as_str(),
            "error_code": self.error_code,
        })
    }
}

const INSERT: &str = "
INSERT INTO events (tenant_id, id, type, subject, payload)
SELECT $1, n.id, n.type, n.subject, n.payload
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[]) AS n (id, type, subject, payload)";

/// Writes one event for each fact.
///
/// # Errors
/// The database's.
pub async fn record(tx: &mut Tx, ids: &Ids, now: DateTime<Utc>, facts: &[Fact]) -> DbResult<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    statement(INSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Array<Uuid>, _>(facts.iter().map(|_| ids.make::<EventId>(now)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(facts.iter().map(|f| format!("message.{}", f.state)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(facts.iter().map(|f| f.message.to_string()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(facts.iter().map(Fact::payload).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}
