//! The leads of a batch: one for each new contact, with a copy of what the row said.
//!
//! Free attributes are kept on the contact only; two copies of them would be most of what an import writes.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{ContactId, ImportId, LeadId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::events::Cause;
use crate::imports::plan::Created;
use crate::imports::row::NewRow;

/// The source of a lead whose row names none.
const SOURCE: &str = "import";

const INSERT: &str = "
INSERT INTO leads (tenant_id, id, contact_id, first_name, last_name, email, phone, company_name, source, import_id, created_at,
    updated_at)
SELECT $1, n.id, n.contact_id, n.first_name, n.last_name, n.email, n.phone, n.company_name, n.source, $2, $3, $3
FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
    AS n (id, contact_id, first_name, last_name, email, phone, company_name, source)";

pub(super) async fn insert(
    tx: &mut Tx,
    cause: &Cause<'_>,
    import: ImportId,
    contacts: &[ContactId],
    created: &[Created],
) -> DbResult<()> {
    if created.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewRow) -> Option<&str>| created.iter().map(|new| of(&new.row)).collect::<Vec<_>>();
    let written = statement(INSERT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Timestamptz, _>(cause.now)
        .bind::<Array<Uuid>, _>(created.iter().map(|_| cause.ids.make::<LeadId>(cause.now)).collect::<Vec<_>>())
        .bind::<Array<Uuid>, _>(contacts)
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.first_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.last_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.email.as_ref().map(|email| email.as_str())))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.phone.as_ref().map(|phone| phone.as_str())))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.company_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.source.as_deref().or(Some(SOURCE))))
        .execute(&mut **tx)
        .await?;
    expect_rows(created.len(), written)
}
