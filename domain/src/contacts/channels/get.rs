//! One address of a contact.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ChannelId, ContactId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::contacts::model::{Channel, channel_columns};

const GET: &str = concat!(
    "SELECT ",
    channel_columns!(),
    " FROM contact_channels WHERE tenant_id = $1 AND id = $2 AND contact_id = $3 FOR UPDATE"
);

/// The channel `id` of `contact`, locked until the transaction ends.
///
/// # Errors
/// `NotFound` where the contact has no such channel.
pub async fn get(tx: &mut Tx, contact: ContactId, id: ChannelId) -> DbResult<Channel> {
    let query = statement(GET).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).bind::<Uuid, _>(contact);
    Ok(query.get_result(&mut **tx).await?)
}
