//! Removing an account that nothing refers to.
//!
//! One with messages stays, because they would lose what they were sent through: it can be disabled instead.

use diesel::sql_types::{Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ProviderAccountId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job;
use patchbay_queue::sql::statement;

use super::senders::ensure_default;
use crate::messages::lane;

// The account's own key, and those of its senders: all that begin with it.
const LIMITS: &str = "DELETE FROM queue.limits WHERE queue = $1 AND (lane = $2 OR starts_with(lane, $2 || '~'))";

/// Removes the account `id`, its senders and their rates.
///
/// # Errors
/// `NotFound` where the tenant has no such account; `Reference` where messages went through it.
pub async fn delete(tx: &mut Tx, id: ProviderAccountId) -> DbResult<()> {
    let key = lane::of_account(id);
    statement(LIMITS).bind::<Text, _>(SendMessages::QUEUE).bind::<Text, _>(key).execute(tx).await?;
    let rows = statement("DELETE FROM provider_accounts WHERE id = $1").bind::<Uuid, _>(id).execute(tx).await?;
    expect_rows(1, rows).map_err(|_| DbError::NotFound)?;
    ensure_default(tx).await?;
    Ok(())
}
