//! The `multipart/form-data` body of an upload, as a stream.
//!
//! poem-openapi's own forms read every part to its end, into memory or a file on disk, before the handler runs; an
//! upload of 256 MiB must pass through without being held anywhere. The document still shows the parts.

use poem::{Body, FromRequest, Request, RequestBody, http::header, web::Multipart};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};

use super::{dto::ImportUploadOptions, pace::PACE};
use crate::http::{Code, Problem, body::not_encoded};

/// Room for the parts' headers, the boundary and the options beside the largest file.
pub(super) const BESIDES: u64 = 128 * 1024;

/// The parts of an upload, to be read one after another.
pub struct UploadForm(pub Multipart);

impl<'a> ApiExtractor<'a> for UploadForm {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        ImportUploadOptions::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let file = MetaSchema {
            description: Some(
                "The CSV file: any encoding, separated by comma, semicolon, tab or bar; the first row names the columns.",
            ),
            ..MetaSchema::new_with_format("string", "binary")
        };
        let schema = MetaSchema {
            properties: vec![
                ("file", MetaSchemaRef::Inline(Box::new(file))),
                ("options", ImportUploadOptions::schema_ref()),
            ],
            required: vec!["file"],
            ..MetaSchema::new("object")
        };
        let content = vec![MetaMediaType {
            content_type: "multipart/form-data",
            schema: MetaSchemaRef::Inline(Box::new(schema)),
        }];
        Some(MetaRequest { description: Some("The file, and what to do with it."), content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let limit = crate::http::auth::app(request).config.api.upload_body_max.to_usize() as u64;
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|announced| announced > limit + BESIDES) {
            return Err(too_large(limit).into());
        }
        not_encoded(request)?;
        let paced = Body::from_bytes_stream(PACE.keep(body.take()?.into_bytes_stream()));
        let mut body = RequestBody::new(paced);
        Ok(Self(<Multipart as FromRequest>::from_request(request, &mut body).await?))
    }
}

/// A file over the limit.
pub(super) fn too_large(limit: u64) -> Problem {
    Problem::new(Code::PayloadTooLarge, format!("A file may have {limit} bytes at most; split it."))
}
