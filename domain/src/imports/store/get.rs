//! One import by its id.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::imports::model::{Import, import_columns};

const GET: &str = concat!("SELECT ", import_columns!(), " FROM imports WHERE tenant_id = $1 AND id = $2");
const LOCK: &str = concat!("SELECT ", import_columns!(), " FROM imports WHERE tenant_id = $1 AND id = $2 FOR UPDATE");

/// The import `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such import.
pub async fn get(tx: &mut Tx, id: ImportId) -> DbResult<Import> {
    Ok(statement(GET).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?)
}

/// As [`get`], and nobody else changes it until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, id: ImportId) -> DbResult<Import> {
    Ok(statement(LOCK).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?)
}
