//! A dry run: what would be found among the contacts is noted apart, and nothing else is written.
//!
//! Kept in a table rather than in memory: a file has millions of addresses, and a dry run resumes after a crash
//! like a real one.

use diesel::sql_types::{Array, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{ContactId, ImportId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use super::found::{Found, emails, enter, phones};
use crate::events::Cause;
use crate::imports::plan::{Address, Book, Candidate, Plan};

const LOOKUP: &str = "
SELECT channel, address, contact_id, true AS own FROM import_addresses
WHERE tenant_id = $1 AND import_id = $2
    AND (channel = 'sms' AND address = ANY ($3) OR channel = 'email' AND address = ANY ($4))";

const NOTE: &str = "
INSERT INTO import_addresses (tenant_id, import_id, contact_id, channel, address)
SELECT $1, $2, n.contact_id, n.channel, n.address
FROM unnest($3::uuid[], $4::text[], $5::text[]) AS n (contact_id, channel, address)";

/// Adds to `book` what earlier rows of the file would have made.
pub(super) async fn lookup(tx: &mut Tx, import: ImportId, candidates: &[Candidate], book: &mut Book) -> DbResult<()> {
    let rows: Vec<Found> = statement(LOOKUP)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Array<Text>, _>(phones(candidates))
        .bind::<Array<Text>, _>(emails(candidates))
        .load(&mut **tx)
        .await?;
    enter(book, rows);
    Ok(())
}

/// Notes the addresses that the plan would add.
pub(super) async fn note(tx: &mut Tx, cause: &Cause<'_>, import: ImportId, plan: &Plan) -> DbResult<()> {
    let mut added: Vec<(ContactId, &Address)> = Vec::new();
    for new in &plan.created {
        let contact = cause.ids.make(cause.now);
        added.extend(new.addresses.iter().map(|address| (contact, address)));
    }
    for changed in &plan.updated {
        let contact = ContactId::from(changed.contact);
        added.extend(changed.added.iter().map(|address| (contact, address)));
    }
    if added.is_empty() {
        return Ok(());
    }
    let written = statement(NOTE)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Array<Uuid>, _>(added.iter().map(|(contact, _)| *contact).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(added.iter().map(|(_, address)| address.channel).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(added.iter().map(|(_, address)| address.address.as_str()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    expect_rows(added.len(), written)
}
