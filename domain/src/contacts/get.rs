//! One contact by its id.

use diesel::sql_types::{Array, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ContactId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::model::{Channel, Contact, ContactRow, channel_columns, contact_columns};

const GET: &str = concat!("SELECT ", contact_columns!(), " FROM contacts WHERE tenant_id = $1 AND id = $2");

const CHANNELS: &str = concat!(
    "SELECT ",
    channel_columns!(),
    " FROM contact_channels WHERE tenant_id = $1 AND contact_id = ANY ($2) ORDER BY id"
);

/// The contact `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such contact.
pub async fn get(tx: &mut Tx, id: ContactId) -> DbResult<Contact> {
    let row: ContactRow = statement(GET).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(id).get_result(&mut **tx).await?;
    let channels = channels_of(tx, vec![id]).await?;
    Ok(Contact { row, channels })
}

/// The channels of `contacts`, in the order in which they were added.
pub(super) async fn channels_of(tx: &mut Tx, contacts: Vec<ContactId>) -> DbResult<Vec<Channel>> {
    let tenant = tx.tenant();
    Ok(statement(CHANNELS).bind::<Uuid, _>(tenant).bind::<Array<Uuid>, _>(contacts).load(&mut **tx).await?)
}
