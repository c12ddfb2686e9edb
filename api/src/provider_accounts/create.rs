//! `POST /v1/provider_accounts`.
//!
//! The credentials are sealed before they reach the database; nothing is asked of the provider in a request.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::provider_accounts::{self as accounts, NewAccount};
use patchbay_providers::ProviderKind;
use poem_openapi::OpenApi;

use super::{
    Write,
    dto::{ProviderAccount, ProviderAccountCreate},
    enforce, faults, settings,
};
use crate::{
    http::{Body, Call, Created, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a provider account
    ///
    /// The settings are checked for their form, not at the provider. Answers 409 `already_exists` where another account
    /// of the tenant has one of the senders.
    #[oai(
        path = "/v1/provider_accounts",
        method = "post",
        operation_id = "provider_accounts_create",
        tag = "Tag::ProviderAccounts"
    )]
    async fn run(&self, call: Call<Write>, body: Body<ProviderAccountCreate>) -> Written<Created<ProviderAccount>> {
        let digest = body.digest();
        let wanted = body.into_inner();
        let provider = call.app.provider(ProviderKind::Twilio)?;
        let checked = settings::check(&wanted.settings, provider.config_schema())?;
        let id: ProviderAccountId = call.app.db.new_id(call.now);
        let account = NewAccount {
            id,
            kind: ProviderKind::Twilio.as_str(),
            name: wanted.name.unwrap_or_else(|| provider.config_schema().title.to_owned()),
            external_id: checked.external_id,
            settings: checked.shown,
            credentials: accounts::seal(&call.app.sealer, call.tenant(), id, &checked.secret),
            senders: faults::senders(wanted.senders, &*provider, &call.app.db, call.now)?,
        };
        let mut tx = call.begin_once(digest).await?;
        let rates = accounts::create(&mut tx, &account).await.map_err(faults::taken)?;
        let made = accounts::get(&mut tx, id).await?;
        let public = call.app.config.api.public_url.as_str();
        let record = ProviderAccount::of(made, &*provider, public);
        let answer = tx.finish(Created { location: format!("/v1/provider_accounts/{id}"), record }).await?;
        enforce::rates(&call.app.db, &rates).await;
        Ok(answer)
    }
}
