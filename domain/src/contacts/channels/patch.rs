//! Changes an address's role. The address itself never changes: a new number is a new channel with its own consent.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::Tx;
use patchbay_db::ids::ChannelId;
use patchbay_queue::sql::statement;

use super::add::demote;
use super::get::lock;
use crate::contacts::ContactError;
use crate::contacts::model::{Channel, channel_columns};
use crate::events::Cause;

const UPDATE: &str = concat!(
    "UPDATE contact_channels SET is_primary = $3, verified_at = $4, updated_at = $5 WHERE tenant_id = $1 AND id = $2 RETURNING ",
    channel_columns!()
);

/// Makes the channel the primary one of its kind (or no longer), and notes when it was verified.
///
/// # Errors
/// `NotFound`, the database's.
pub async fn patch(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: ChannelId,
    is_primary: Option<bool>,
    verified_at: Option<Option<DateTime<Utc>>>,
) -> Result<Channel, ContactError> {
    let before = lock(tx, id).await?;
    if is_primary == Some(true) && !before.is_primary {
        demote(tx, cause, before.contact_id, before.channel).await?;
    }
    let query = statement(UPDATE)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Bool, _>(is_primary.unwrap_or(before.is_primary))
        .bind::<Nullable<Timestamptz>, _>(verified_at.unwrap_or(before.verified_at))
        .bind::<Timestamptz, _>(cause.now);
    Ok(query.get_result(&mut **tx).await?)
}
