//! `POST /v1/templates/{id}/preview`.
//!
//! The same rendering as a send's, and the same refusals.

use std::collections::{BTreeMap, HashMap};

use patchbay_db::ids::TemplateId;
use patchbay_domain::templates::{self, TemplateText};
use patchbay_providers::sms::segments;
use poem_openapi::{Enum, Object, OpenApi, param::Path, types::Example};

use super::{Read, faults};
use crate::{
    http::{Body, Call, Done, Id, Problem, Written},
    tags::Tag,
};

/// The values to preview a template with.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TemplatePreviewRequest {
    /// A value for each of the template's variables.
    #[oai(default)]
    pub variables: HashMap<String, String>,
}

impl Example for TemplatePreviewRequest {
    fn example() -> Self {
        Self { variables: HashMap::from([("first_name".to_owned(), "Ada".to_owned())]) }
    }
}

/// How a text is encoded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum SmsEncoding {
    /// Seven bits a character: 160 in one segment.
    Gsm7,
    /// Sixteen bits a character: 70 in one segment.
    Ucs2,
}

/// What a message would say, and what it would cost.
#[derive(Debug, Object)]
#[oai(example)]
pub struct TemplatePreview {
    /// The text with the values in their places.
    pub body: String,
    /// How it is encoded.
    pub encoding: SmsEncoding,
    /// Segments it takes, which is what carriers charge by.
    pub segments: u32,
    /// Characters that force `ucs2`, each once: replacing them may save segments.
    pub not_gsm7: Vec<String>,
    /// Whether it is longer than can be sent.
    pub too_long: bool,
}

impl Example for TemplatePreview {
    fn example() -> Self {
        let body = "Hi Ada, welcome to Acme.".to_owned();
        Self { body, encoding: SmsEncoding::Gsm7, segments: 1, not_gsm7: Vec::new(), too_long: false }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Preview;

#[OpenApi]
impl Preview {
    /// Preview a template
    ///
    /// Renders it without sending anything. Answers 422 `template_variables` and names each variable that is missing or
    /// unknown.
    #[oai(
        path = "/v1/templates/:id/preview",
        method = "post",
        operation_id = "templates_preview",
        tag = "Tag::Templates"
    )]
    async fn run(
        &self,
        call: Call<Read>,
        /// The template's id.
        id: Path<Id<TemplateId>>,
        body: Body<TemplatePreviewRequest>,
    ) -> Written<Done<TemplatePreview>> {
        let digest = body.digest();
        let values: BTreeMap<_, _> = body.into_inner().variables.into_iter().collect();
        let mut tx = call.begin_once(digest).await?;
        let template = templates::get(&mut tx, id.0.0).await?.ok_or_else(|| Problem::not_found("template"))?;
        let text = TemplateText::parse(&template.body).map_err(Problem::internal)?;
        let text = text.render(&values).map_err(|wrong| faults::variables(&wrong, "/variables"))?;
        tx.finish(Done(measured(text))).await
    }
}

fn measured(body: String) -> TemplatePreview {
    let size = segments::measure(&body);
    TemplatePreview {
        encoding: match size.encoding {
            segments::Encoding::Gsm7 => SmsEncoding::Gsm7,
            segments::Encoding::Ucs2 => SmsEncoding::Ucs2,
        },
        segments: size.segments,
        not_gsm7: segments::not_gsm7(&body).into_iter().map(String::from).collect(),
        too_long: size.too_long,
        body,
    }
}
