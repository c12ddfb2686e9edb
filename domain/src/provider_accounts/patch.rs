//! Changing an account.

use diesel::sql_types::{Bytea, Jsonb, Nullable, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::ProviderAccountId;
use patchbay_db::{DbError, DbResult, Tx};
use patchbay_queue::sql::statement;
use serde_json::Value;

use super::model::AccountStatus;

/// What to change; absent is left as it is.
#[derive(Debug, Default)]
pub struct AccountPatch {
    /// Its name.
    pub name: Option<String>,
    /// Whether it may be used. New credentials make a refused account active again.
    pub status: Option<AccountStatus>,
    /// The provider's id, the settings and the sealed credentials: these change together.
    pub credentials: Option<NewCredentials>,
}

/// New settings of an account.
#[derive(Debug)]
pub struct NewCredentials {
    /// The provider's id of the account.
    pub external_id: String,
    /// The settings that are no secrets.
    pub settings: Value,
    /// The others, sealed.
    pub sealed: Vec<u8>,
}

const PATCH: &str = "
UPDATE provider_accounts SET
    name = coalesce($2, name),
    status = coalesce($3, CASE WHEN $6::bytea IS NOT NULL AND status = 'auth_failed' THEN 'active' ELSE status END),
    external_id = coalesce($4, external_id),
    settings = coalesce($5, settings),
    credentials = coalesce($6, credentials),
    updated_at = clock_timestamp()
WHERE id = $1";

/// Applies `changes` to the account `id`.
///
/// # Errors
/// `NotFound` where the tenant has no such account.
pub async fn patch(tx: &mut Tx, id: ProviderAccountId, changes: &AccountPatch) -> DbResult<()> {
    let new = changes.credentials.as_ref();
    let rows = statement(PATCH)
        .bind::<Uuid, _>(id)
        .bind::<Nullable<Text>, _>(changes.name.as_deref())
        .bind::<Nullable<Text>, _>(changes.status.map(AccountStatus::as_str))
        .bind::<Nullable<Text>, _>(new.map(|new| new.external_id.as_str()))
        .bind::<Nullable<Jsonb>, _>(new.map(|new| &new.settings))
        .bind::<Nullable<Bytea>, _>(new.map(|new| new.sealed.as_slice()))
        .execute(tx)
        .await?;
    expect_rows(1, rows).map_err(|_| DbError::NotFound)
}
