//! `GET /v1/provider_accounts`.

use patchbay_domain::provider_accounts as accounts;
use patchbay_providers::ProviderKind;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::ProviderAccount};
use crate::{
    http::{Call, Handled, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List provider accounts
    ///
    /// Newest first, each with its senders.
    #[oai(
        path = "/v1/provider_accounts",
        method = "get",
        operation_id = "provider_accounts_list",
        tag = "Tag::ProviderAccounts"
    )]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Handled<Json<ListOf<ProviderAccount>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let provider = call.app.provider(ProviderKind::Twilio)?;
        let mut tx = call.read().await?;
        let found = accounts::list(&mut tx, page).await?;
        tx.commit().await?;
        let public = call.app.config.api.public_url.as_str();
        Ok(Json(ListOf::from_page(found, |account| ProviderAccount::of(account, &*provider, public))))
    }
}
