//! The list of accounts, newest first.

use diesel::sql_types::{BigInt, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::{DbResult, Page, Paged, Tx};
use patchbay_queue::sql::statement;

use super::get::with_senders;
use super::model::{AccountRow, ProviderAccount};

const LIST: &str = "
SELECT id, kind, name, status, external_id, settings, created_at, updated_at
FROM provider_accounts WHERE id < $1 ORDER BY id DESC LIMIT $2";

/// A page of the tenant's accounts with their senders.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut Tx, page: Page) -> DbResult<Paged<ProviderAccount>> {
    let rows: Vec<AccountRow> =
        statement(LIST).bind::<Uuid, _>(page.before()).bind::<BigInt, _>(page.fetch()).load(tx).await?;
    let Paged { data, next_cursor, has_more } = page.cut(rows, |row| row.id);
    Ok(Paged { data: with_senders(tx, data).await?, next_cursor, has_more })
}
