//! `GET /v1/templates/{id}`.

use patchbay_db::ids::TemplateId;
use patchbay_domain::templates;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Read, dto::Template};
use crate::{
    http::{Call, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a template
    ///
    /// Archived templates can be read too.
    #[oai(path = "/v1/templates/:id", method = "get", operation_id = "templates_get", tag = "Tag::Templates")]
    async fn run(
        &self,
        call: Call<Read>,
        /// The template's id.
        id: Path<Id<TemplateId>>,
    ) -> Handled<Json<Template>> {
        let mut tx = call.read().await?;
        let template = templates::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let template = template.ok_or_else(|| Problem::not_found("template"))?;
        Ok(Json(template.into()))
    }
}
