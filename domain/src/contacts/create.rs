//! A new contact with its addresses.

use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::Tx;
use patchbay_queue::sql::statement;
use serde_json::json;

use super::model::{Contact, ContactRow, NewContact, contact_columns};
use super::{ContactError, channels, rules};
use crate::events::{self, Cause};

const INSERT: &str = concat!(
    "INSERT INTO contacts (tenant_id, id, first_name, last_name, job_title, company_name, country, city, locale, timezone,
        lifecycle, attributes, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING ",
    contact_columns!()
);

/// Makes the contact.
///
/// # Errors
/// [`ContactError::Invalid`] with every fault, [`ContactError::AddressTaken`] with the owner, the database's.
pub async fn create(tx: &mut Tx, cause: &Cause<'_>, mut new: NewContact) -> Result<Contact, ContactError> {
    rules::check(&mut new.fields)?;
    let fields = &new.fields;
    let row: ContactRow = statement(INSERT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(new.id)
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
    let mut added = Vec::with_capacity(new.channels.len());
    for channel in &new.channels {
        added.push(channels::insert(tx, cause, new.id, channel).await?);
    }
    events::record(tx, cause, "contact.created", new.id.to_string(), json!({ "contact_id": new.id })).await?;
    Ok(Contact { row, channels: added })
}
