//! A new lead.

use diesel::sql_types::{Integer, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::Tx;
use patchbay_db::ids::LeadId;
use patchbay_queue::sql::statement;
use serde_json::json;

use super::model::{Lead, LeadFields, lead_columns};
use super::rules;
use crate::contacts::ContactError;
use crate::countries::Country;
use crate::events::{self, Cause};

const INSERT: &str = concat!(
    "INSERT INTO leads (tenant_id, id, contact_id, first_name, last_name, email, phone, company_name, source, status, score,
        attributes, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING ",
    lead_columns!()
);

/// Makes the lead `id`. `country` is the one of a phone number that does not say its own.
///
/// # Errors
/// [`ContactError::Invalid`] with every fault; `Reference` where there is no such contact; the database's.
pub async fn create(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: LeadId,
    mut fields: LeadFields,
    country: Option<Country>,
) -> Result<Lead, ContactError> {
    rules::check(&mut fields, country)?;
    let lead = statement(INSERT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(id)
        .bind::<Nullable<Uuid>, _>(fields.contact_id)
        .bind::<Nullable<Text>, _>(&fields.first_name)
        .bind::<Nullable<Text>, _>(&fields.last_name)
        .bind::<Nullable<Text>, _>(&fields.email)
        .bind::<Nullable<Text>, _>(&fields.phone)
        .bind::<Nullable<Text>, _>(&fields.company_name)
        .bind::<Text, _>(&fields.source)
        .bind::<Text, _>(fields.status.as_str())
        .bind::<Integer, _>(fields.score)
        .bind::<Jsonb, _>(&fields.attributes)
        .bind::<Timestamptz, _>(cause.now)
        .get_result(&mut **tx)
        .await?;
    events::record(tx, cause, "lead.created", id.to_string(), json!({ "lead_id": id })).await?;
    Ok(lead)
}
