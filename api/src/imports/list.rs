//! `GET /v1/imports`.
//!
//! The counts are columns of the import, so a list of imports asks nothing about rows.

use patchbay_domain::imports::store;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::Import};
use crate::contacts::default_country;
use crate::{
    http::{Call, Handled, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List imports
    ///
    /// Newest first.
    #[oai(path = "/v1/imports", method = "get", operation_id = "imports_list", tag = "Tag::Imports")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Handled<Json<ListOf<Import>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let mut tx = call.read().await?;
        let found = store::list(&mut tx, page).await?;
        let country = default_country(&mut tx).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, |import| Import::of(import, country))))
    }
}
