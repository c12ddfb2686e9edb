//! JSON bodies: read within a limit, checked against their schema, parsed into their type.
//!
//! An extractor of ours instead of poem-openapi's `Json`, for three reasons: a limit on the size before the
//! body is in memory, all mistakes at once with their pointers (`schema/`), and a digest of the body for idempotency keys.
//! The digest is of the parsed JSON with sorted keys, so that a repeat through another serializer is still the same request.

use std::ops::Deref;

use poem::{Request, RequestBody, error::ReadBodyError, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    error::ContentTypeError,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaRequest, Registry},
    types::ParseFromJSON,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{code::Code, problem::Problem, schema::Checker};
use crate::app::App;

/// A body that holds a `T`. `BATCH` bodies may be as large as the configuration allows for batches.
#[derive(Debug)]
pub struct Body<T, const BATCH: bool = false> {
    value: T,
    digest: BodyDigest,
}

/// A body that holds many items.
pub type BatchBody<T> = Body<T, true>;

/// What a request's body is, for comparing it with another request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDigest(pub [u8; 32]);

impl BodyDigest {
    /// Of a request without a body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Sha256::digest(b"").into())
    }

    /// Of a JSON body: equal for equal JSON, whatever the order of its keys and its spaces.
    #[must_use]
    pub fn of_json(value: &Value) -> Self {
        let mut hash = Sha256::new();
        feed(value, &mut hash);
        Self(hash.finalize().into())
    }
}

impl<T, const BATCH: bool> Body<T, BATCH> {
    /// The parsed body.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// What the body is, for `Call::begin_once`.
    pub fn digest(&self) -> BodyDigest {
        self.digest
    }
}

impl<T, const BATCH: bool> Deref for Body<T, BATCH> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'a, T: ParseFromJSON + 'static, const BATCH: bool> ApiExtractor<'a> for Body<T, BATCH> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match request.content_type() {
            None => return Err(ContentTypeError::ExpectContentType.into()),
            Some(given) if !Json::<T>::check_content_type(given) => {
                return Err(ContentTypeError::NotSupported { content_type: given.to_owned() }.into());
            }
            Some(_) => {}
        }
        not_encoded(request)?;
        let config = &request.data::<App>().expect("the server gives every request the App").config.api;
        let limit = if BATCH { config.batch_body_max } else { config.json_body_max };
        let limit = limit.to_usize();
        let announced =
            request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|announced| announced > limit) {
            return Err(ReadBodyError::PayloadTooLarge.into());
        }
        let bytes = body.take()?.into_bytes_limit(limit).await?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
        let findings = Checker::of::<T>().check(&value);
        if !findings.is_empty() {
            let detail = "The body does not have the documented form; see errors.";
            return Err(Problem::new(Code::InvalidRequest, detail).with_errors(findings).into());
        }
        let digest = BodyDigest::of_json(&value);
        let value = T::parse_from_json(Some(value))
            .map_err(|error| poem_openapi::error::ParseRequestPayloadError { reason: error.into_message() })?;
        Ok(Self { value, digest })
    }
}

/// Refuses a compressed body by its header; read as it is, it would be called malformed.
///
/// # Errors
/// `unsupported_media_type`.
pub fn not_encoded(request: &Request) -> Result<(), Problem> {
    match request.header(header::CONTENT_ENCODING) {
        None => Ok(()),
        Some(coding) if coding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(_) => {
            let detail = "Bodies are taken as they are: send this one without a Content-Encoding.";
            Err(Problem::new(Code::UnsupportedMediaType, detail))
        }
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let what = if error.is_eof() { "ends too early" } else { "is not valid JSON" };
    Problem::new(Code::MalformedJson, format!("The body {what}, at line {}, column {}.", error.line(), error.column()))
}

/// Each value is fed with its kind and length, so that no two values give the same bytes.
fn feed(value: &Value, hash: &mut Sha256) {
    let mut sized = |kind: u8, length: usize| {
        hash.update([kind]);
        hash.update(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    };
    match value {
        Value::Null => hash.update([b'0']),
        Value::Bool(value) => hash.update([b'b', u8::from(*value)]),
        Value::Number(number) => {
            let text = number.to_string();
            sized(b'n', text.len());
            hash.update(text);
        }
        Value::String(text) => {
            sized(b's', text.len());
            hash.update(text);
        }
        Value::Array(items) => {
            sized(b'a', items.len());
            items.iter().for_each(|item| feed(item, hash));
        }
        Value::Object(fields) => {
            sized(b'o', fields.len());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| name.as_str());
            for (name, value) in fields {
                hash.update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes());
                hash.update(name);
                feed(value, hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_make_another_request() {
        assert_eq!(BodyDigest::of_json(&json!({"a": 1, "b": [2]})), BodyDigest::of_json(&json!({"b": [2], "a": 1})));
    }

    #[test]
    fn another_value_place_or_kind_does() {
        let digests = [
            json!({"a": 1}),
            json!({"a": "1"}),
            json!({"a": [1]}),
            json!([1, 2]),
            json!([2, 1]),
            json!({"ab": "c"}),
            json!({"a": "bc"}),
        ]
        .map(|value| BodyDigest::of_json(&value).0);
        let mut unique = digests.to_vec();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), digests.len());
    }
}
