//! A new account.

use diesel::sql_types::{Bytea, Jsonb, Text, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::ProviderAccountId;
use patchbay_db::{Tx, TypedId as _};
use patchbay_queue::lanes::RateLimit;
use patchbay_queue::ledger::controls;
use patchbay_queue::sql::statement;
use serde_json::Value;

use super::limits;
use super::senders::{NewSender, SenderError, put_senders};

/// What an account is made of.
#[derive(Debug)]
pub struct NewAccount {
    /// Its id: the credentials are sealed for it.
    pub id: ProviderAccountId,
    /// Which provider.
    pub kind: &'static str,
    /// What its owner calls it.
    pub name: String,
    /// The provider's id of the account.
    pub external_id: String,
    /// The settings that are no secrets.
    pub settings: Value,
    /// The others, sealed.
    pub credentials: Vec<u8>,
    /// Its senders.
    pub senders: Vec<NewSender>,
}

const INSERT: &str = "
INSERT INTO provider_accounts (tenant_id, id, kind, name, external_id, settings, credentials)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Stores the account, its circuit breaker, its senders and their rates, which it answers.
///
/// # Errors
/// [`SenderError::Taken`] where another account has one of the senders; the database's.
pub async fn create(tx: &mut Tx, account: &NewAccount) -> Result<Vec<RateLimit>, SenderError> {
    let tenant = tx.tenant();
    statement(INSERT)
        .bind::<Uuid, _>(tenant)
        .bind::<Uuid, _>(account.id)
        .bind::<Text, _>(account.kind)
        .bind::<Text, _>(&account.name)
        .bind::<Text, _>(&account.external_id)
        .bind::<Jsonb, _>(&account.settings)
        .bind::<Bytea, _>(&account.credentials)
        .execute(tx)
        .await?;
    let breaker = limits::of_account(tenant.uuid(), account.id);
    controls::set_limit(tx, limits::QUEUE, &breaker).await?;
    put_senders(tx, account.id, &account.senders).await
}
