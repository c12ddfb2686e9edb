//! A changed contact.

use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::Tx;
use patchbay_db::ids::ContactId;
use patchbay_queue::sql::statement;
use serde_json::json;

use super::get::channels_of;
use super::model::{Contact, ContactFields, ContactRow, contact_columns};
use super::{ContactError, rules};
use crate::events::{self, Cause};

const LOCK: &str = concat!("SELECT ", contact_columns!(), " FROM contacts WHERE tenant_id = $1 AND id = $2 FOR UPDATE");

const UPDATE: &str = concat!(
    "UPDATE contacts SET first_name = $3, last_name = $4, job_title = $5, company_name = $6, country = $7, city = $8,
        locale = $9, timezone = $10, lifecycle = $11, attributes = $12, updated_at = $13
     WHERE tenant_id = $1 AND id = $2 RETURNING ",
    contact_columns!()
);

/// Changes the contact `id` as `change` says; nobody else changes it between the reading and the writing.
///
/// # Errors
/// `NotFound`, [`ContactError::Invalid`] with every fault, the database's.
pub async fn update(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: ContactId,
    change: impl FnOnce(&mut ContactFields) + Send,
) -> Result<Contact, ContactError> {
    let tenant = tx.tenant();
    let before: ContactRow = statement(LOCK).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id).get_result(&mut **tx).await?;
    let mut fields = before.fields.clone();
    change(&mut fields);
    rules::check(&mut fields)?;
    let row = if fields == before.fields {
        before
    } else {
        let row = statement(UPDATE)
            .bind::<Uuid, _>(tenant)
            .bind::<Uuid, _>(id)
            .bind::<Nullable<Text>, _>(&fields.first_name)
            .bind::<Nullable<Text>, _>(&fields.last_name)
            .bind::<Nullable<Text>, _>(&fields.job_title)
            .bind::<Nullable<Text>, _>(&fields.company_name)
            .bind::<Nullable<Text>, _>(&fields.country)
            .bind::<Nullable<Text>, _>(&fields.city)
            .bind::<Nullable<Text>, _>(&fields.locale)
            .bind::<Nullable<Text>, _>(&fields.timezone)
            .bind::<Text, _>(fields.lifecycle.as_str())
            .bind::<Jsonb, _>(&fields.attributes)
            .bind::<Timestamptz, _>(cause.now)
            .get_result(&mut **tx)
            .await?;
        events::record(tx, cause, "contact.updated", id.to_string(), json!({ "contact_id": id })).await?;
        row
    };
    let channels = channels_of(tx, vec![id]).await?;
    Ok(Contact { row, channels })
}
