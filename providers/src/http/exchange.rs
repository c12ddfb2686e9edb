//! Sends a request, reads a bounded answer, and classifies what broke on the way.
//!
//! The body is read in chunks up to a limit, so that a broken or hostile server cannot fill the memory of a worker
//! that runs hundreds of these at once.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{RequestBuilder, Response, StatusCode, header::HeaderValue};

use super::retry_after;
use crate::{ErrorClass, ErrorScope, ProviderError};

/// Most bytes of an answer that are read: a page of 1,000 messages of 1,600 characters with room to spare.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Whether a request changes anything at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may send a message: doubt must be reported as doubt.
    Send,
    /// It only reads: doubt is a reason to ask again.
    Read,
}

impl Effect {
    /// The class of a failure after which the provider may or may not have acted.
    pub const fn doubt(self) -> ErrorClass {
        match self {
            Self::Send => ErrorClass::Unknown,
            Self::Read => ErrorClass::Retryable,
        }
    }
}

/// An answer, whatever its status.
pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

/// Passes a W3C trace context on; one that is no header value is dropped.
pub fn with_traceparent(request: RequestBuilder, traceparent: Option<&str>) -> RequestBuilder {
    match traceparent.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => request.header("traceparent", value),
        None => request,
    }
}

/// Makes one exchange within `total` time.
///
/// # Errors
/// There was no answer, or a successful one whose body was lost. A refusal is an answer, not an error.
pub async fn exchange(request: RequestBuilder, effect: Effect, total: Duration) -> Result<Answer, ProviderError> {
    let response = request.timeout(total).send().await.map_err(|error| broken(effect, error))?;
    let status = response.status();
    let retry_after = retry_after::read(response.headers());
    let body = match read(response, effect).await {
        Ok(body) => body,
        // A refusal is one without its explanation too.
        Err(_) if !status.is_success() => Bytes::new(),
        Err(error) => return Err(error.http_status(status.as_u16())),
    };
    Ok(Answer { status, retry_after, body })
}

async fn read(mut response: Response, effect: Effect) -> Result<Bytes, ProviderError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(effect, error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ProviderError::new(effect.doubt(), ErrorScope::Message, "the provider's answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn broken(effect: Effect, error: reqwest::Error) -> ProviderError {
    let (class, scope, text) = if error.is_builder() {
        (ErrorClass::Permanent, ErrorScope::Account, "the request to the provider could not be built")
    } else if error.is_connect() {
        (ErrorClass::Retryable, ErrorScope::Account, "the provider could not be connected to")
    } else if error.is_timeout() {
        (effect.doubt(), ErrorScope::Message, "the provider did not answer in time")
    } else {
        (effect.doubt(), ErrorScope::Message, "the connection to the provider broke")
    };
    // The URL of a look-up holds the person's number.
    ProviderError::new(class, scope, text).caused_by(error.without_url())
}
