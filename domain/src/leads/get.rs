//! One lead by its id.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::LeadId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::model::{Lead, lead_columns};

const GET: &str = concat!("SELECT ", lead_columns!(), " FROM leads WHERE tenant_id = $1 AND id = $2");

/// The lead `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such lead.
pub async fn get(tx: &mut Tx, id: LeadId) -> DbResult<Lead> {
    Ok(statement(GET).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?)
}
