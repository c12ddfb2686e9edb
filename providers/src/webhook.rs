//! A request that claims to come from a provider, and what can be read from it.
//!
//! It keeps the body's raw bytes, because signatures cover bytes: a body that was decoded and encoded again verifies
//! nothing. The types are those of the `http` crate, so any HTTP server's request fits without copying.

use std::fmt;

use bytes::Bytes;
use reqwest::{Method, header::HeaderMap};
use serde::{Deserialize, Serialize};

use crate::{Text, form, sms::keywords::Keyword};

/// One request to a webhook, as received.
#[derive(Clone)]
pub struct WebhookRequest {
    /// HTTP method.
    pub method: Method,
    /// URLs that the provider may have called, most likely first; see [`PublicUrl`](crate::PublicUrl). All have the
    /// same query.
    pub urls: Vec<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl WebhookRequest {
    /// One parameter of the URL's query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        form::text(&form::parse(form::query_of(self.urls.first()?).as_bytes()), name)
    }
}

impl fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookRequest")
            .field("method", &self.method)
            .field("urls", &self.urls)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a webhook is not proven to come from the provider. Answer all of them with the same 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("the signature header is missing")]
    Missing,
    /// The signature is not of the provider's form, or there are several.
    #[error("the signature header is malformed")]
    Malformed,
    /// The body is not what the signed URL says.
    #[error("the body does not match its signed hash")]
    BodyHash,
    /// The signature does not cover the body.
    #[error("the body is not covered by the signature")]
    NotCovered,
    /// It was made with another key, for another URL or for other contents.
    #[error("the signature does not match")]
    Mismatch,
    /// The account has no key to check signatures with.
    #[error("the account has no signing key")]
    NoKey,
}

/// Why a verified webhook could not be read. Never quotes its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A field that the provider always sends is not there.
    #[error("the field {0} is missing")]
    MissingField(&'static str),
    /// An id or an address that is longer than any there is; nothing of that size fits an index.
    #[error("the field {0} is too long")]
    TooLong(&'static str),
    /// A status that is new to us; the raw request must be kept.
    #[error("the status is not known")]
    UnknownStatus,
}

/// The longest id or address in bytes: that of an e-mail address (RFC 5321), which is longer than any other.
const LONGEST: usize = 320;

/// An id or an address that must be there.
pub(crate) fn required(value: Option<String>, field: &'static str) -> Result<String, ParseError> {
    let value = value.filter(|value| !value.is_empty()).ok_or(ParseError::MissingField(field))?;
    if value.len() > LONGEST { Err(ParseError::TooLong(field)) } else { Ok(value) }
}

/// A message that a person sent to one of our senders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundMessage {
    /// The provider's id of the message; equal ids are the same message, sent again.
    pub provider_message_id: String,
    /// E.164 number of the person.
    pub from: String,
    /// Our sender's address.
    pub to: String,
    /// What they wrote; may be empty when they sent only media.
    pub body: Text,
    /// Pictures and files, to be fetched with the account's credentials.
    pub media: Vec<Media>,
    /// Segments it came in.
    pub segments: Option<u32>,
    /// Set when the provider took it for a keyword *and answered it itself*: record it, but do not answer again.
    pub answered_keyword: Option<Keyword>,
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Where the provider holds it.
    pub url: String,
    /// Its media type as the provider states it.
    pub content_type: Option<String>,
}
