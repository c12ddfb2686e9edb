//! Which addresses of a batch contacts have already: one statement for all of them.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ImportId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

use crate::imports::plan::{Book, Candidate, Known};

const LOOKUP: &str = "
SELECT h.channel, h.address, h.contact_id, c.import_id IS NOT DISTINCT FROM $2 AS own
FROM contact_channels h JOIN contacts c ON c.tenant_id = h.tenant_id AND c.id = h.contact_id
WHERE h.tenant_id = $1 AND h.channel = 'sms' AND h.address = ANY ($3)
UNION ALL
SELECT h.channel, h.address, h.contact_id, c.import_id IS NOT DISTINCT FROM $2
FROM contact_channels h JOIN contacts c ON c.tenant_id = h.tenant_id AND c.id = h.contact_id
WHERE h.tenant_id = $1 AND h.channel = 'email' AND h.address = ANY ($4)";

#[derive(QueryableByName)]
pub(super) struct Found {
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = Uuid)]
    contact_id: uuid::Uuid,
    #[diesel(sql_type = Bool)]
    own: bool,
}

pub(super) async fn lookup(tx: &mut Tx, import: ImportId, candidates: &[Candidate]) -> DbResult<Book> {
    let rows: Vec<Found> = statement(LOOKUP)
        .bind::<Uuid, _>(tx.tenant())
        .bind::<Uuid, _>(import)
        .bind::<Array<Text>, _>(phones(candidates))
        .bind::<Array<Text>, _>(emails(candidates))
        .load(&mut **tx)
        .await?;
    let mut book = Book { phones: HashMap::with_capacity(rows.len()), emails: HashMap::with_capacity(rows.len()) };
    enter(&mut book, rows);
    Ok(book)
}

/// Enters what was found; what is entered already stays.
pub(super) fn enter(book: &mut Book, rows: Vec<Found>) {
    for row in rows {
        let known = Known { contact: row.contact_id, from_this_file: row.own };
        let side = if row.channel == "email" { &mut book.emails } else { &mut book.phones };
        side.entry(row.address).or_insert(known);
    }
}

pub(super) fn phones(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().filter_map(|candidate| Some(candidate.row.phone.as_ref()?.as_str())).collect()
}

pub(super) fn emails(candidates: &[Candidate]) -> Vec<&str> {
    candidates.iter().filter_map(|candidate| Some(candidate.row.email.as_ref()?.as_str())).collect()
}
