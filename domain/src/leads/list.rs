//! The list of leads, newest first; each filter has an index with the id behind it.

use diesel::sql_types::{BigInt, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ContactId;
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;

use super::model::{Lead, LeadStatus, lead_columns};

/// Which leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// All of the tenant.
    #[default]
    All,
    /// Those of a contact.
    Contact(ContactId),
    /// Those in a status.
    Status(LeadStatus),
}

const ALL: &str =
    concat!("SELECT ", lead_columns!(), " FROM leads WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");

const OF_CONTACT: &str = concat!(
    "SELECT ",
    lead_columns!(),
    " FROM leads WHERE tenant_id = $1 AND id < $2 AND contact_id = $4 ORDER BY id DESC LIMIT $3"
);

const OF_STATUS: &str = concat!(
    "SELECT ",
    lead_columns!(),
    " FROM leads WHERE tenant_id = $1 AND id < $2 AND status = $4 ORDER BY id DESC LIMIT $3"
);

/// A page of the tenant's leads.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, filter: Filter, page: Page) -> DbResult<Paged<Lead>> {
    let keys = |sql| {
        statement(sql).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(page.before()).bind::<BigInt, _>(page.fetch())
    };
    let rows: Vec<Lead> = match filter {
        Filter::All => keys(ALL).load(&mut **tx).await?,
        Filter::Contact(contact) => keys(OF_CONTACT).bind::<Uuid, _>(contact).load(&mut **tx).await?,
        Filter::Status(status) => keys(OF_STATUS).bind::<Text, _>(status.as_str()).load(&mut **tx).await?,
    };
    Ok(page.cut(rows, |lead| lead.id))
}
