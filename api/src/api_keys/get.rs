//! `GET /v1/api_keys/{id}`.
//!
//! There is nothing here to read a secret from: only its hash is stored.

use patchbay_db::ids::ApiKeyId;
use patchbay_domain::api_keys;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::ApiKey};
use crate::{
    http::{Call, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a key
    ///
    /// Without its secret, which is not stored.
    #[oai(path = "/v1/api_keys/:id", method = "get", operation_id = "api_keys_get", tag = "Tag::ApiKeys")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The key's id.
        id: Path<Id<ApiKeyId>>,
    ) -> Handled<Json<ApiKey>> {
        let mut tx = call.read().await?;
        let key = api_keys::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let key = key.ok_or_else(|| Problem::not_found("API key"))?;
        Ok(Json(key.into()))
    }
}
