//! One account by its id.

use diesel::sql_types::{Array, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ProviderAccountId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::sql::statement;

use super::model::{AccountRow, ProviderAccount, Sender};

pub(super) const COLUMNS: &str = "
SELECT id, kind, name, status, external_id, settings, created_at, updated_at FROM provider_accounts WHERE id = $1";

const SENDERS: &str = "
SELECT id, provider_account_id, channel, address, is_default, rate_per_second, created_at
FROM senders WHERE provider_account_id = ANY ($1) ORDER BY id";

/// The account `id` with its senders.
///
/// # Errors
/// `NotFound` where the tenant has no such account.
pub async fn get(tx: &mut Tx, id: ProviderAccountId) -> DbResult<ProviderAccount> {
    let row: AccountRow = statement(COLUMNS).bind::<Uuid, _>(id).get_result(tx).await?;
    with_senders(tx, vec![row]).await?.pop().ok_or(DbError::NotFound)
}

/// Puts the senders to accounts, in their order.
pub(super) async fn with_senders(tx: &mut Tx, rows: Vec<AccountRow>) -> DbResult<Vec<ProviderAccount>> {
    let ids: Vec<ProviderAccountId> = rows.iter().map(|row| row.id).collect();
    let senders: Vec<Sender> = statement(SENDERS).bind::<Array<Uuid>, _>(ids).load(tx).await?;
    let of = |id| senders.iter().filter(|s| s.provider_account_id == id).cloned().collect();
    Ok(rows.into_iter().map(|row| ProviderAccount { senders: of(row.id), row }).collect())
}
