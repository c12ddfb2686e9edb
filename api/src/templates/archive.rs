//! `DELETE /v1/templates/{id}`.
//!
//! A DELETE that keeps the row: messages point at the template that they were made with.

use patchbay_db::ids::TemplateId;
use patchbay_domain::templates;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{Write, dto::Template};
use crate::{
    http::{Call, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Archive;

#[OpenApi]
impl Archive {
    /// Archive a template
    ///
    /// Its messages keep pointing at it and its code is free again. Archiving twice changes nothing.
    #[oai(path = "/v1/templates/:id", method = "delete", operation_id = "templates_archive", tag = "Tag::Templates")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The template's id.
        id: Path<Id<TemplateId>>,
    ) -> Handled<Json<Template>> {
        let mut tx = call.begin().await?;
        let template = templates::archive(&mut tx, &call.cause(), id.0.0).await?;
        let template = template.ok_or_else(|| Problem::not_found("template"))?;
        tx.commit().await?;
        Ok(Json(template.into()))
    }
}
