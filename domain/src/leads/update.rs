//! A changed lead.

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

const LOCK: &str = concat!("SELECT ", lead_columns!(), " FROM leads WHERE tenant_id = $1 AND id = $2 FOR UPDATE");

const UPDATE: &str = concat!(
    "UPDATE leads SET contact_id = $3, first_name = $4, last_name = $5, email = $6, phone = $7, company_name = $8, source = $9,
        status = $10, score = $11, attributes = $12, updated_at = $13
     WHERE tenant_id = $1 AND id = $2 RETURNING ",
    lead_columns!()
);

/// Changes the lead `id` as `change` says; nobody else changes it between the reading and the writing.
///
/// # Errors
/// `NotFound`, [`ContactError::Invalid`] with every fault, the database's.
pub async fn update(
    tx: &mut Tx,
    cause: &Cause<'_>,
    id: LeadId,
    country: Option<Country>,
    change: impl FnOnce(&mut LeadFields) + Send,
) -> Result<Lead, ContactError> {
    let tenant = tx.tenant();
    let before: Lead = statement(LOCK).bind::<Uuid, _>(tenant).bind::<Uuid, _>(id).get_result(&mut **tx).await?;
    let mut fields = before.fields.clone();
    change(&mut fields);
    rules::check(&mut fields, country)?;
    if fields == before.fields {
        return Ok(before);
    }
    let lead = statement(UPDATE)
        .bind::<Uuid, _>(tenant)
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
    events::record(
        tx,
        cause,
        "lead.updated",
        id.to_string(),
        json!({ "lead_id": id, "status": fields.status.as_str() }),
    )
    .await?;
    Ok(lead)
}
