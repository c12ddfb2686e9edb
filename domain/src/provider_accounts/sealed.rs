//! An account with its sealed credentials, for who sends through it or checks a signature.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Bytea, Jsonb, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ProviderAccountId, TenantId};
use patchbay_db::{DbResult, SystemTx, Tx};
use patchbay_queue::sql::statement;
use serde_json::Value;

use super::model::AccountStatus;

/// What is needed to act for an account.
#[derive(Clone, QueryableByName)]
pub struct SealedAccount {
    /// Its id.
    #[diesel(sql_type = Uuid)]
    pub id: ProviderAccountId,
    /// Which provider.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// Whether it can be used.
    #[diesel(sql_type = Text)]
    pub status: AccountStatus,
    /// The settings that are no secrets.
    #[diesel(sql_type = Jsonb)]
    pub settings: Value,
    /// The others, sealed.
    #[diesel(sql_type = Bytea)]
    pub credentials: Vec<u8>,
    /// Which version of the row this is.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl std::fmt::Debug for SealedAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedAccount").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

const SEALED: &str = "SELECT id, kind, status, settings, credentials, updated_at FROM provider_accounts WHERE id = $1";

/// The account `id`, to be opened.
///
/// # Errors
/// `NotFound` where the tenant has no such account.
pub async fn sealed(tx: &mut Tx, id: ProviderAccountId) -> DbResult<SealedAccount> {
    Ok(statement(SEALED).bind::<Uuid, _>(id).get_result(tx).await?)
}

#[derive(QueryableByName)]
struct Owner {
    #[diesel(sql_type = Uuid)]
    tenant_id: TenantId,
}

/// Whose account `id` is: a webhook names the account only.
///
/// # Errors
/// `NotFound` where there is no such account.
pub async fn find_tenant(tx: &mut SystemTx, id: ProviderAccountId) -> DbResult<TenantId> {
    let owner: Owner =
        statement("SELECT tenant_id FROM provider_accounts WHERE id = $1").bind::<Uuid, _>(id).get_result(tx).await?;
    Ok(owner.tenant_id)
}
