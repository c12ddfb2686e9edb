//! `DELETE /v1/api_keys/{id}`.
//!
//! A DELETE that deletes nothing: the row stays, because messages and the audit log name it.

use patchbay_db::ids::ApiKeyId;
use patchbay_domain::api_keys;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Write,
    dto::ApiKey,
    issue::{self, Deed},
};
use crate::{
    http::{Call, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Revoke;

#[OpenApi]
impl Revoke {
    /// Revoke a key
    ///
    /// For good. This process refuses it at once, others within five seconds. Revoking twice changes nothing.
    #[oai(path = "/v1/api_keys/:id", method = "delete", operation_id = "api_keys_revoke", tag = "Tag::ApiKeys")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The key's id.
        id: Path<Id<ApiKeyId>>,
    ) -> Handled<Json<ApiKey>> {
        let mut tx = call.begin().await?;
        let key =
            api_keys::revoke(&mut tx, &call.cause(), id.0.0).await?.ok_or_else(|| Problem::not_found("API key"))?;
        let (tenant, actor) = (call.tenant(), call.actor());
        let deed =
            Deed { tenant, actor: &actor, action: "api_keys.revoke", request_id: call.request_id(), at: call.now };
        issue::audit(&mut tx, &call.app, &key, deed).await?;
        tx.commit().await?;
        call.app.keys.forget(key.id);
        Ok(Json(key.into()))
    }
}
