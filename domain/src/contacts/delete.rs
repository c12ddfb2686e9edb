//! Deletes a contact and its channels; what was said to them stays.
//!
//! Messages, leads and the consent ledger outlive the contact: what was sent and agreed must be provable later.
//! They say no more whose they were. The contact is locked first: a message for it that is being accepted meanwhile
//! comes before, and is released with the others, or finds no contact any more.
//! (`ON DELETE SET NULL (contact_id)` would say this in the schema, from PostgreSQL 15 on.)

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ContactId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::sql::statement;
use serde_json::json;

use crate::events::{self, Cause};

const LOCK: &str = "SELECT FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE";
const RELEASE_MESSAGES: &str = "UPDATE messages SET contact_id = NULL WHERE tenant_id = $1 AND contact_id = $2";
const RELEASE_LEADS: &str = "UPDATE leads SET contact_id = NULL WHERE tenant_id = $1 AND contact_id = $2";
const DELETE: &str = "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2";

/// Deletes the contact `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such contact.
pub async fn delete(tx: &mut Tx, cause: &Cause<'_>, id: ContactId) -> DbResult<()> {
    let tenant = tx.tenant();
    if statement(LOCK).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id).execute(&mut **tx).await? == 0 {
        return Err(DbError::NotFound);
    }
    for sql in [RELEASE_MESSAGES, RELEASE_LEADS, DELETE] {
        statement(sql).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id).execute(&mut **tx).await?;
    }
    events::record(tx, cause, "contact.deleted", id.to_string(), json!({ "contact_id": id })).await
}
