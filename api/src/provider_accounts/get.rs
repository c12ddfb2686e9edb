//! `GET /v1/provider_accounts/{id}`.
//!
//! Settings without their secrets, which no operation ever shows again.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::provider_accounts as accounts;
use patchbay_providers::ProviderKind;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::ProviderAccount};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a provider account
    #[oai(
        path = "/v1/provider_accounts/:id",
        method = "get",
        operation_id = "provider_accounts_get",
        tag = "Tag::ProviderAccounts"
    )]
    async fn run(
        &self,
        call: Call<Read>,
        /// The account's id.
        id: Path<Id<ProviderAccountId>>,
    ) -> Handled<Json<ProviderAccount>> {
        let provider = call.app.provider(ProviderKind::Twilio)?;
        let mut tx = call.read().await?;
        let found = accounts::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        Ok(Json(ProviderAccount::of(found, &*provider, call.app.config.api.public_url.as_str())))
    }
}
