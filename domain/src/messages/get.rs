//! One message by its id.

use diesel::sql_types::Uuid;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::MessageId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::model::Message;

/// The message `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such message.
pub async fn get(tx: &mut Tx, id: MessageId) -> DbResult<Message> {
    Ok(statement("SELECT * FROM messages WHERE id = $1").bind::<Uuid, _>(id).get_result(tx).await?)
}
