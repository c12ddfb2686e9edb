//! One address.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ChannelId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::contacts::model::{Channel, channel_columns};

const GET: &str = concat!("SELECT ", channel_columns!(), " FROM contact_channels WHERE tenant_id = $1 AND id = $2");
const LOCK: &str =
    concat!("SELECT ", channel_columns!(), " FROM contact_channels WHERE tenant_id = $1 AND id = $2 FOR UPDATE");

/// The channel `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such channel.
pub async fn get(tx: &mut Tx, id: ChannelId) -> DbResult<Channel> {
    Ok(statement(GET).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?)
}

/// As [`get`], and nobody else changes it until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, id: ChannelId) -> DbResult<Channel> {
    Ok(statement(LOCK).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?)
}
