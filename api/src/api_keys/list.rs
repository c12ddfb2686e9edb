//! `GET /v1/api_keys`.
//!
//! Revoked keys stay in the list: who asks which key did something last month must find it.

use patchbay_domain::api_keys;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::ApiKey};
use crate::{
    http::{Call, Handled, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List keys
    ///
    /// Newest first, the revoked ones too.
    #[oai(path = "/v1/api_keys", method = "get", operation_id = "api_keys_list", tag = "Tag::ApiKeys")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Handled<Json<ListOf<ApiKey>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let mut tx = call.read().await?;
        let found = api_keys::list(&mut tx, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, ApiKey::from)))
    }
}
