//! The list of contacts, newest first.
//!
//! Each filter has an index: an address leads to one contact at most, an import has its own. One statement per
//! filter, so that each keeps the plan that fits it.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, ImportId};
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;

use super::get::channels_of;
use super::model::{Channel, ChannelKind, Contact, ContactRow, contact_columns};

/// Which contacts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Filter {
    /// All of the tenant.
    #[default]
    All,
    /// Those that an import made.
    Import(ImportId),
    /// The one that has this address (in its stored form).
    Address(ChannelKind, String),
}

const ALL: &str =
    concat!("SELECT ", contact_columns!(), " FROM contacts WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");

const OF_IMPORT: &str = concat!(
    "SELECT ",
    contact_columns!(),
    " FROM contacts WHERE tenant_id = $1 AND id < $2 AND import_id = $4 ORDER BY id DESC LIMIT $3"
);

const OF_ADDRESS: &str = concat!(
    "SELECT ",
    contact_columns!(),
    " FROM contacts WHERE tenant_id = $1 AND id < $2 AND id =
        (SELECT contact_id FROM contact_channels WHERE tenant_id = $1 AND channel = $4 AND address = $5)
      LIMIT $3"
);

/// A page of the tenant's contacts.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, filter: &Filter, page: Page) -> DbResult<Paged<Contact>> {
    let keys = |sql| {
        statement(sql).bind::<Uuid, _>(tx.tenant()).bind::<Uuid, _>(page.before()).bind::<BigInt, _>(page.fetch())
    };
    let rows: Vec<ContactRow> = match filter {
        Filter::All => keys(ALL).load(&mut **tx).await?,
        Filter::Import(import) => keys(OF_IMPORT).bind::<Uuid, _>(import).load(&mut **tx).await?,
        Filter::Address(channel, address) => {
            keys(OF_ADDRESS).bind::<Text, _>(channel.as_str()).bind::<Text, _>(address).load(&mut **tx).await?
        }
    };
    let rows = page.cut(rows, |row| row.id);
    let channels = channels_of(tx, rows.data.iter().map(|row| row.id).collect()).await?;
    let mut by_contact: HashMap<ContactId, Vec<Channel>> = HashMap::new();
    for channel in channels {
        by_contact.entry(channel.contact_id).or_default().push(channel);
    }
    Ok(rows.map(|row| Contact { channels: by_contact.remove(&row.id).unwrap_or_default(), row }))
}
