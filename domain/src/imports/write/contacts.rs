//! The new contacts of a batch.

use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{ContactId, ImportId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::events::Cause;
use crate::imports::plan::Created;
use crate::imports::row::NewRow;

const INSERT: &str = "
INSERT INTO contacts (tenant_id, id, first_name, last_name, job_title, company_name, country, city, locale, timezone,
    attributes, import_id, created_at, updated_at)
SELECT $1, n.id, n.first_name, n.last_name, n.job_title, n.company_name, n.country, n.city, n.locale, n.timezone,
    n.attributes::jsonb, $2, $3, $3
FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::text[])
    AS n (id, first_name, last_name, job_title, company_name, country, city, locale, timezone, attributes)";

/// Makes the contacts, and returns their ids in order.
pub(super) async fn insert(
    tx: &mut Tx,
    cause: &Cause<'_>,
    import: ImportId,
    created: &[Created],
) -> DbResult<Vec<ContactId>> {
    if created.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ContactId> = created.iter().map(|_| cause.ids.make(cause.now)).collect();
    let texts = |of: fn(&NewRow) -> Option<&str>| created.iter().map(|new| of(&new.row)).collect::<Vec<_>>();
    let written = statement(INSERT)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Timestamptz, _>(cause.now)
        .bind::<Array<Uuid>, _>(&ids)
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.first_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.last_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.job_title.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.company_name.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.country.map(|country| country.as_str())))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.city.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.locale.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(texts(|row| row.timezone.as_deref()))
        .bind::<Array<Text>, _>(created.iter().map(|new| new.row.attributes_json()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    expect_rows(ids.len(), written)?;
    Ok(ids)
}
