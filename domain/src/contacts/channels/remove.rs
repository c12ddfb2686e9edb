//! Takes an address off a contact. Its consent history and its suppression stay: they belong to the address.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ChannelId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::sql::statement;

const DELETE: &str = "DELETE FROM contact_channels WHERE tenant_id = $1 AND id = $2";

/// Removes the channel `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such channel.
pub async fn remove(tx: &mut Tx, id: ChannelId) -> DbResult<()> {
    let query = statement(DELETE).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id);
    if query.execute(&mut **tx).await? == 0 { Err(DbError::NotFound) } else { Ok(()) }
}
