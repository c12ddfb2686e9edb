//! The provider refused an account's credentials.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ProviderAccountId;
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

/// Marks the account, unless it was changed since `seen`: the refusal was then of older credentials.
/// Answers whether it was marked.
///
/// # Errors
/// The database's.
pub async fn mark_auth_failed(tx: &mut Tx, id: ProviderAccountId, seen: DateTime<Utc>) -> DbResult<bool> {
    const MARK: &str = "
        UPDATE provider_accounts SET status = 'auth_failed', updated_at = clock_timestamp()
        WHERE id = $1 AND status = 'active' AND updated_at = $2";
    let rows = statement(MARK).bind::<Uuid, _>(id).bind::<Timestamptz, _>(seen).execute(tx).await?;
    Ok(rows == 1)
}
