//! Messages without a final receipt: which to ask about, and when to ask again.
//!
//! A message is asked about after a few minutes, then after twice its age each time, for three days: most lost
//! receipts are found at once, and a carrier that never reports does not cost a question an hour for ever.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{MessageId, ProviderAccountId, TenantId};
use patchbay_db::{DbResult, SystemTx, Tx};
use patchbay_queue::sql::statement;

/// A message to ask about.
#[derive(Debug, Clone, QueryableByName)]
pub struct Unsettled {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: MessageId,
    /// The provider's id of it.
    #[diesel(sql_type = Text)]
    pub provider_message_id: String,
}

/// The messages of `account` that are due to be asked about, the longest due first.
///
/// # Errors
/// The database's.
pub async fn due(tx: &mut Tx, account: ProviderAccountId, limit: i64) -> DbResult<Vec<Unsettled>> {
    const DUE: &str = "
        SELECT id, provider_message_id FROM messages
        WHERE provider_account_id = $1 AND state = 'sent' AND check_at <= now() AND provider_message_id IS NOT NULL
        ORDER BY check_at LIMIT $2";
    Ok(statement(DUE).bind::<Uuid, _>(account).bind::<BigInt, _>(limit).load(tx).await?)
}

/// Plans the next question about `messages`, which are still not final; none after three days.
///
/// # Errors
/// The database's.
pub async fn ask_again(tx: &mut Tx, messages: &[MessageId]) -> DbResult<()> {
    const AGAIN: &str = "
        UPDATE messages SET check_at = CASE WHEN sent_at > now() - interval '3 days' THEN now() + (now() - sent_at) END
        WHERE id = ANY ($1) AND state = 'sent'";
    statement(AGAIN).bind::<Array<Uuid>, _>(messages).execute(tx).await?;
    Ok(())
}

/// An account with something to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct DueAccount {
    /// Whose it is.
    #[diesel(sql_type = Uuid)]
    pub tenant_id: TenantId,
    /// The account.
    #[diesel(sql_type = Uuid)]
    pub id: ProviderAccountId,
}

/// Every active account, of all tenants, with messages due to be asked about: each gets a `messages.reconcile` job.
///
/// # Errors
/// The database's.
pub async fn due_accounts(tx: &mut SystemTx) -> DbResult<Vec<DueAccount>> {
    const ACCOUNTS: &str = "
        SELECT a.tenant_id, a.id FROM provider_accounts a
        WHERE a.status = 'active' AND EXISTS (
            SELECT FROM messages m
            WHERE m.tenant_id = a.tenant_id AND m.provider_account_id = a.id AND m.state = 'sent'
                AND m.check_at <= now())";
    Ok(statement(ACCOUNTS).load(tx).await?)
}
