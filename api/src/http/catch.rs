//! Turns whatever went wrong into the one shape of an answer.
//!
//! Handlers answer with [`Problem`]; poem and poem-openapi have some thirty error types of their own, whose texts and
//! statuses are not ours. All of them pass here, once, behind every route: what is not known becomes a 500 whose cause
//! is logged and not told.

use std::time::Duration;

use poem::{
    Response,
    error::{MethodNotAllowedError, NotFoundError, ParseMultipartError as FormError, ReadBodyError, SizedLimitError},
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::error::{
    AuthorizationError, ContentTypeError, ParseMultipartError, ParseParamError, ParsePathError,
    ParseRequestPayloadError,
};
use serde::Serialize;

use super::{
    code::Code,
    problem::{FieldError, Problem},
};

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    code: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
    retryable: bool,
    request_id: &'a str,
}

/// The problem that an error of poem's, or of ours, stands for.
pub fn problem_of(error: poem::Error) -> Problem {
    let error = match error.downcast::<Problem>() {
        Ok(problem) => return problem,
        Err(error) => error,
    };
    if let Some(error) = error.downcast_ref::<ParsePathError>() {
        return Problem::new(Code::InvalidId, plain(&error.reason));
    }
    if let Some(error) = error.downcast_ref::<ParseParamError>() {
        let detail = plain(&error.reason).to_owned();
        let field = FieldError::new(format!("?{}", error.name), "invalid", detail);
        return Problem::new(Code::InvalidRequest, format!("The parameter {} is not valid.", error.name))
            .with_errors(vec![field]);
    }
    if let Some(error) = error.downcast_ref::<ParseRequestPayloadError>() {
        return Problem::new(Code::InvalidRequest, plain(&error.reason));
    }
    if let Some(error) = error.downcast_ref::<ParseMultipartError>() {
        return Problem::new(Code::InvalidRequest, plain(&error.reason));
    }
    match error.status() {
        StatusCode::NOT_FOUND if error.is::<NotFoundError>() => {
            Problem::new(Code::UnknownPath, "There is no operation at this path.")
        }
        StatusCode::METHOD_NOT_ALLOWED if error.is::<MethodNotAllowedError>() => Problem::new(
            Code::MethodNotAllowed,
            "The path exists, but does not take this method; see the Allow header.",
        ),
        StatusCode::UNAUTHORIZED if error.is::<AuthorizationError>() => Problem::of(Code::Unauthenticated),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let detail = match error.downcast_ref::<ContentTypeError>() {
                Some(ContentTypeError::ExpectContentType) => "The request has no Content-Type header.",
                _ => "The operation does not take a body of this media type.",
            };
            Problem::new(Code::UnsupportedMediaType, detail)
        }
        StatusCode::PAYLOAD_TOO_LARGE => too_large(&error),
        StatusCode::BAD_REQUEST if error.is::<ReadBodyError>() || error.is::<FormError>() => {
            Problem::new(Code::InvalidRequest, "The body could not be read to its end.").caused_by(error.to_string())
        }
        StatusCode::BAD_REQUEST => Problem::of(Code::InvalidRequest).caused_by(error.to_string()),
        StatusCode::SERVICE_UNAVAILABLE => {
            Problem::of(Code::Unavailable).retry_after(Duration::from_secs(1)).caused_by(error.to_string())
        }
        _ => Problem::internal(format!("{error:?}")),
    }
}

fn too_large(error: &poem::Error) -> Problem {
    let known = error.is::<SizedLimitError>() || error.is::<ReadBodyError>();
    debug_assert!(known, "an unknown kind of 413: {error:?}");
    Problem::new(Code::PayloadTooLarge, "The body is larger than this operation takes.")
}

/// poem-openapi says `failed to parse "string_id": reason (occurred while parsing "Type")`: only the reason is for callers.
fn plain(reason: &str) -> &str {
    let reason = reason
        .strip_prefix("failed to parse \"")
        .and_then(|rest| rest.split_once("\": "))
        .map_or(reason, |(_, rest)| rest);
    reason.split_once(" (occurred while parsing ").map_or(reason, |(reason, _)| reason)
}

/// The answer that tells a caller of `problem`. `base` is the API's public address, without a final slash.
pub fn answer(problem: &Problem, base: &str, request_id: &str) -> Response {
    let code = problem.code();
    let wire = Wire {
        r#type: format!("{base}/problems/{}", code.as_str()),
        code: code.as_str(),
        title: code.title(),
        status: code.status().as_u16(),
        detail: problem.detail(),
        errors: problem.errors(),
        retryable: code.retryable(),
        request_id,
    };
    let body = serde_json::to_vec(&wire).expect("texts and numbers serialize");
    let mut response = Response::builder().status(code.status()).content_type(PROBLEM_JSON).body(body);
    if let Some(after) = problem.after() {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    }
    if code.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(problem: &Problem) -> serde_json::Value {
        let text = answer(problem, "http://x", "req_1").into_body().into_string().await.unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[tokio::test]
    async fn a_cause_never_reaches_the_body() {
        let problem = Problem::internal("password=hunter2");
        assert!(problem.chain().contains("hunter2"));
        let body = body(&problem).await;
        assert!(!body.to_string().contains("hunter2"), "{body}");
        assert_eq!(body["code"], "internal");
        assert_eq!(body["request_id"], "req_1");
        assert_eq!(body["type"], "http://x/problems/internal");
    }

    #[tokio::test]
    async fn an_unknown_error_is_a_500_without_its_text() {
        let error = poem::Error::from_string("secret stack", StatusCode::IM_A_TEAPOT);
        let problem = problem_of(error);
        assert_eq!(problem.code(), Code::Internal);
        assert!(!body(&problem).await.to_string().contains("secret stack"));
    }

    #[test]
    fn retry_after_is_rounded_up_and_at_least_one() {
        for (after, header) in
            [(Duration::from_millis(1), "1"), (Duration::from_millis(1001), "2"), (Duration::ZERO, "1")]
        {
            let response = answer(&Problem::of(Code::RateLimited).retry_after(after), "", "r");
            assert_eq!(response.headers()["retry-after"], header);
        }
    }

    #[test]
    fn the_frameworks_wrapping_of_a_reason_is_taken_off() {
        let text = "failed to parse \"id\": not an id (occurred while parsing \"Thing\")";
        assert_eq!(plain(text), "not an id");
        assert_eq!(plain("plain"), "plain");
    }
}
