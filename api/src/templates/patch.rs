//! `PATCH /v1/templates/{id}`.
//!
//! Queued messages keep their text: it was rendered when they were accepted.

use patchbay_db::ids::TemplateId;
use patchbay_domain::templates::{self, TemplateText};
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::{
    Write,
    dto::{Template, TemplatePatch},
    faults,
};
use crate::{
    http::{Body, Call, Handled, Id, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a template
    ///
    /// Messages that are queued already keep the text that they were made with. An archived template is not found.
    #[oai(path = "/v1/templates/:id", method = "patch", operation_id = "templates_patch", tag = "Tag::Templates")]
    async fn run(
        &self,
        call: Call<Write>,
        /// The template's id.
        id: Path<Id<TemplateId>>,
        body: Body<TemplatePatch>,
    ) -> Handled<Json<Template>> {
        let wanted = body.into_inner();
        let text = match wanted.body {
            Some(text) => {
                let variables = TemplateText::parse(&text).map_err(|fault| faults::invalid(&fault))?.variables();
                Some((text, variables))
            }
            None => None,
        };
        let patch = templates::TemplatePatch { name: wanted.name, class: wanted.class.map(Into::into), body: text };
        let mut tx = call.begin().await?;
        let template = templates::update(&mut tx, &call.cause(), id.0.0, patch).await?;
        let template = template.ok_or_else(|| Problem::not_found("living template"))?;
        tx.commit().await?;
        Ok(Json(template.into()))
    }
}
