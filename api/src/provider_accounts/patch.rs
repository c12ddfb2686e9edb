//! `PATCH /v1/provider_accounts/{id}`.
//!
//! Settings are replaced whole: a new account id with an old token would be neither account.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::provider_accounts::{self as accounts, AccountPatch, AccountStatus, NewCredentials};
use patchbay_providers::ProviderKind;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Write,
    dto::{ProviderAccount, ProviderAccountPatch, ProviderAccountSwitch},
    enforce, faults, settings,
};
use crate::{
    http::{Body, Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a provider account
    ///
    /// New settings take the place of all old ones, and make an account active again whose credentials were refused.
    /// They are used everywhere within five seconds.
    #[oai(
        path = "/v1/provider_accounts/:id",
        method = "patch",
        operation_id = "provider_accounts_patch",
        tag = "Tag::ProviderAccounts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The account's id.
        id: Path<Id<ProviderAccountId>>,
        body: Body<ProviderAccountPatch>,
    ) -> Handled<Json<ProviderAccount>> {
        let id = id.0.0;
        let wanted = body.into_inner();
        let provider = call.app.provider(ProviderKind::Twilio)?;
        let credentials = match &wanted.settings {
            None => None,
            Some(given) => {
                let checked = settings::check(given, provider.config_schema())?;
                let sealed = accounts::seal(&call.app.sealer, call.tenant(), id, &checked.secret);
                Some(NewCredentials { external_id: checked.external_id, settings: checked.shown, sealed })
            }
        };
        let senders = wanted.senders.map(|list| faults::senders(list, &*provider, &call.app.db, call.now));
        let senders = senders.transpose()?;
        let status = wanted.status.map(|status| match status {
            ProviderAccountSwitch::Active => AccountStatus::Active,
            ProviderAccountSwitch::Disabled => AccountStatus::Disabled,
        });
        let mut tx = call.begin().await?;
        accounts::patch(&mut tx, id, &AccountPatch { name: wanted.name, status, credentials }).await?;
        let rates = match &senders {
            Some(senders) => accounts::put_senders(&mut tx, id, senders).await.map_err(faults::taken)?,
            None => Vec::new(),
        };
        let changed = accounts::get(&mut tx, id).await?;
        tx.commit().await?;
        call.app.webhooks.forget(id);
        enforce::rates(&call.app.db, &rates).await;
        Ok(Json(ProviderAccount::of(changed, &*provider, call.app.config.api.public_url.as_str())))
    }
}
