//! Deletes a lead; the contact behind it stays.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::LeadId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::sql::statement;
use serde_json::json;

use crate::events::{self, Cause};

/// Deletes the lead `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such lead.
pub async fn delete(tx: &mut Tx, cause: &Cause<'_>, id: LeadId) -> DbResult<()> {
    let query = statement("DELETE FROM leads WHERE tenant_id = $1 AND id = $2")
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id);
    if query.execute(&mut **tx).await? == 0 {
        return Err(DbError::NotFound);
    }
    events::record(tx, cause, "lead.deleted", id.to_string(), json!({ "lead_id": id })).await
}
