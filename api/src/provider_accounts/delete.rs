//! `DELETE /v1/provider_accounts/{id}`.
//!
//! Only while no message names it: history must not point at nothing.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::provider_accounts as accounts;
use poem_openapi::{ApiResponse, OpenApi, param::Path};

use super::{Write, faults};
use crate::{
    http::{Call, Handled, Id},
    tags::Tag,
};

/// The answer.
#[derive(Debug, ApiResponse)]
pub enum Deleted {
    /// It is gone, with its senders.
    #[oai(status = 204)]
    Gone,
}

/// The operation.
#[derive(Debug, Default)]
pub struct Delete;

#[OpenApi]
impl Delete {
    /// Delete a provider account
    ///
    /// Answers 409 `state_conflict` where messages went through it: disable it instead.
    #[oai(
        path = "/v1/provider_accounts/:id",
        method = "delete",
        operation_id = "provider_accounts_delete",
        tag = "Tag::ProviderAccounts"
    )]
    async fn run(
        &self,
        call: Call<Write>,
        /// The account's id.
        id: Path<Id<ProviderAccountId>>,
    ) -> Handled<Deleted> {
        let mut tx = call.begin().await?;
        accounts::delete(&mut tx, id.0.0).await.map_err(faults::in_use)?;
        tx.commit().await?;
        call.app.webhooks.forget(id.0.0);
        Ok(Deleted::Gone)
    }
}
