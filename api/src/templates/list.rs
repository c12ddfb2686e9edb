//! `GET /v1/templates`.
//!
//! Archived ones only when asked for: their codes may belong to living ones again.

use patchbay_domain::templates;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::Template};
use crate::{
    http::{Call, Handled, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List templates
    ///
    /// Newest first. Archived templates are left out unless asked for.
    #[oai(path = "/v1/templates", method = "get", operation_id = "templates_list", tag = "Tag::Templates")]
    async fn run(
        &self,
        call: Call<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only templates with this code.
        code: Query<Option<String>>,
        /// Archived templates too.
        archived: Query<Option<bool>>,
    ) -> Handled<Json<ListOf<Template>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let mut tx = call.read().await?;
        let found = templates::list(&mut tx, page, code.0.as_deref(), archived.0.unwrap_or(false)).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Template::from)))
    }
}
