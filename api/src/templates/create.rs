//! `POST /v1/templates`.
//!
//! The variables are found now, so that a send with a wrong one is refused without parsing anything.

use patchbay_domain::templates::{self, NewTemplate, TemplateClass as Class, TemplateText};
use poem_openapi::OpenApi;

use super::{
    Write,
    dto::{Template, TemplateCreate},
    faults,
};
use crate::{
    http::{Body, Call, Created, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a template
    ///
    /// The variables are found in the text. Answers 409 `already_exists` while a living template has the same code and
    /// locale, and 422 `invalid_template` for a text that cannot be parsed.
    #[oai(path = "/v1/templates", method = "post", operation_id = "templates_create", tag = "Tag::Templates")]
    async fn run(&self, call: Call<Write>, body: Body<TemplateCreate>) -> Written<Created<Template>> {
        let digest = body.digest();
        let wanted = body.into_inner();
        let variables = TemplateText::parse(&wanted.body).map_err(|fault| faults::invalid(&fault))?.variables();
        let new = NewTemplate {
            id: call.app.db.new_id(call.now),
            name: wanted.name.unwrap_or_else(|| wanted.code.clone()),
            code: wanted.code,
            locale: wanted.locale.unwrap_or_else(|| "en".to_owned()),
            class: wanted.class.map_or(Class::Marketing, Into::into),
            body: wanted.body,
            variables,
        };
        let mut tx = call.begin_once(digest).await?;
        let template = templates::insert(&mut tx, &call.cause(), new).await.map_err(faults::taken)?;
        let location = format!("/v1/templates/{}", template.id);
        tx.finish(Created { location, record: template.into() }).await
    }
}
