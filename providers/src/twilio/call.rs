//! Makes an authenticated request to Twilio and turns a refusal into an error.
//!
//! Order matters in [`refusal`]: a 5xx is doubt whatever the body says (it may be an edge's answer for a request that
//! the API behind it has finished), a 429 is a limit whatever the code, and only then does the table decide.

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::{Twilio, config::Credentials, errors};
use crate::{
    ErrorClass, ErrorScope, ProviderError,
    http::{Answer, Effect, exchange, with_traceparent},
};

impl Twilio {
    /// A request to `path`, authenticated.
    pub(super) fn request(
        &self,
        credentials: &Credentials<'_>,
        method: Method,
        path: &str,
        traceparent: Option<&str>,
    ) -> RequestBuilder {
        let request = self
            .client
            .request(method, self.settings.url(path))
            .basic_auth(credentials.user, Some(credentials.password.expose_secret()))
            .header("accept", "application/json");
        with_traceparent(request, traceparent)
    }

    /// Makes the exchange; a refusal comes back as an error.
    pub(super) async fn call(&self, request: RequestBuilder, effect: Effect) -> Result<Answer, ProviderError> {
        let answer = exchange(request, effect, self.settings.total_timeout).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(refusal(&answer, effect)) }
    }
}

/// The part of Twilio's error body that is safe to keep. Its `message` quotes numbers.
#[derive(Deserialize)]
struct ErrorBody {
    code: Option<u32>,
}

fn refusal(answer: &Answer, effect: Effect) -> ProviderError {
    let code = serde_json::from_slice::<ErrorBody>(&answer.body).ok().and_then(|body| body.code);
    let entry = code.and_then(errors::entry);
    let (class, scope) = match (answer.status, entry) {
        (status, _) if status.is_server_error() => (effect.doubt(), ErrorScope::Message),
        (StatusCode::TOO_MANY_REQUESTS, entry) => {
            let scope = entry.filter(|entry| entry.class == ErrorClass::Throttled).map(|entry| entry.scope);
            (ErrorClass::Throttled, scope.unwrap_or(ErrorScope::Account))
        }
        (_, Some(entry)) => (entry.class, entry.scope),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, None) => {
            (ErrorClass::AuthFailed, ErrorScope::Account)
        }
        (StatusCode::REQUEST_TIMEOUT, None) => (effect.doubt(), ErrorScope::Message),
        (StatusCode::CONFLICT, None) => (ErrorClass::Retryable, ErrorScope::Message),
        (status, None) if status.is_client_error() => (ErrorClass::Permanent, ErrorScope::Message),
        // A redirect or worse: this is not Twilio's API.
        (_, None) => (ErrorClass::Permanent, ErrorScope::Account),
    };
    let status = answer.status.as_u16();
    let text = match (code, entry) {
        (Some(code), Some(entry)) => format!("Twilio {code}: {}", entry.meaning),
        (Some(code), None) => format!("Twilio refused with code {code} (HTTP {status})"),
        (None, _) => format!("Twilio answered HTTP {status}"),
    };
    let wait = answer.retry_after.or_else(|| entry?.pause);
    let error = ProviderError::new(class, scope, text).http_status(status).retry_after(wait);
    match code {
        Some(code) => error.code(code.to_string()),
        None => error,
    }
}

/// A successful answer that is not what the API documents: whatever was asked for has probably happened.
pub fn unreadable(answer: &Answer, effect: Effect, source: &serde_json::Error) -> ProviderError {
    // serde_json's message may quote a value it did not expect; its category and place cannot.
    let text = format!("Twilio's answer could not be read ({:?} error)", source.classify());
    ProviderError::new(effect.doubt(), ErrorScope::Message, text).http_status(answer.status.as_u16())
}
