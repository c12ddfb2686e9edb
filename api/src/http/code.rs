//! The codes of every problem the API can answer with, in one list.
//!
//! A code is a promise: clients branch on it, so it is never renamed and never reused. Each has a page that says what
//! the caller should do; the page is compiled in, so a code without one does not build.
//! Rejected: codes next to their operations, because two operations then name the same refusal differently.
//! It is broken by answering with a status of another class than the code's, which is why the status lives here.

use poem::http::StatusCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:ident, $retryable:literal, $title:literal;)+) => {
        /// What went wrong, as a stable name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name that clients branch on.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The status that every answer with this code has.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// Whether the same request may succeed later without being changed.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable),+ }
            }

            /// The same short sentence for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }

            /// The page that says what to do, as Markdown.
            #[must_use]
            pub const fn page(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!(
                        env!("CARGO_MANIFEST_DIR"), "/../openapi/problems/", $code, ".md"
                    )),)+
                }
            }
        }
    };
}

codes! {
    /// The body cannot be parsed as JSON.
    MalformedJson = "malformed_json", BAD_REQUEST, false, "The body is not valid JSON";
    /// A body or a parameter does not have the documented form.
    InvalidRequest = "invalid_request", BAD_REQUEST, false, "The request does not have the documented form";
    /// A path holds something that is no id of the expected type.
    InvalidId = "invalid_id", BAD_REQUEST, false, "The id is not well-formed";
    /// A cursor that this API did not make, or made for another list.
    InvalidCursor = "invalid_cursor", BAD_REQUEST, false, "The cursor is not valid";
    /// No key, an unknown one, or one of the wrong kind.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, false, "No valid API key was given";
    /// The key was revoked.
    KeyRevoked = "key_revoked", UNAUTHORIZED, false, "The API key was revoked";
    /// The key is past its expiry.
    KeyExpired = "key_expired", UNAUTHORIZED, false, "The API key has expired";
    /// The key lacks the operation's scope, or is of another kind than it takes.
    Forbidden = "forbidden", FORBIDDEN, false, "The API key may not do this";
    /// The tenant is suspended.
    TenantSuspended = "tenant_suspended", FORBIDDEN, false, "The tenant is suspended";
    /// A callback whose signature does not match.
    InvalidSignature = "invalid_signature", FORBIDDEN, false, "The signature does not match";
    /// No such record, or it belongs to someone else.
    NotFound = "not_found", NOT_FOUND, false, "There is no such record";
    /// No operation under this path.
    UnknownPath = "unknown_path", NOT_FOUND, false, "There is nothing at this path";
    /// The path exists, but not for this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, false, "The path does not take this method";
    /// Another record already has this unique value.
    AlreadyExists = "already_exists", CONFLICT, false, "Another record already has this value";
    /// The record is in a state that refuses the change.
    StateConflict = "state_conflict", CONFLICT, false, "The record's state does not allow this";
    /// The first request with this idempotency key has not finished.
    IdempotencyInProgress = "idempotency_in_progress", CONFLICT, true, "A request with this idempotency key is running";
    /// The body is larger than allowed.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, false, "The body is too large";
    /// The body is of a type that the operation does not take.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, false, "The body's media type is not supported";
    /// Well-formed, but a rule of the resource refuses a value.
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, false, "A value breaks a rule";
    /// The idempotency key was used for another request.
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, false, "The idempotency key was used with another request";
    /// A template's text cannot be parsed.
    InvalidTemplate = "invalid_template", UNPROCESSABLE_ENTITY, false, "The template's text is not valid";
    /// Variables are missing, or the template does not have them.
    TemplateVariables = "template_variables", UNPROCESSABLE_ENTITY, false, "The variables do not fit the template";
    /// The recipient said stop.
    RecipientOptedOut = "recipient_opted_out", UNPROCESSABLE_ENTITY, false, "The recipient has opted out";
    /// The address is on the suppression list.
    RecipientSuppressed = "recipient_suppressed", UNPROCESSABLE_ENTITY, false, "The recipient's address is suppressed";
    /// Marketing to somebody who has not asked for it.
    RecipientNotOptedIn = "recipient_not_opted_in", UNPROCESSABLE_ENTITY, false, "The recipient has not opted in";
    /// Nothing to send from.
    NoSender = "no_sender", UNPROCESSABLE_ENTITY, false, "There is no sender for this message";
    /// The tenant has as many records of this kind as it may have.
    LimitReached = "limit_reached", UNPROCESSABLE_ENTITY, false, "There are as many records as there may be";
    /// Too many requests of this key or tenant.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, true, "Too many requests";
    /// A key has too many event streams open.
    TooManyStreams = "too_many_streams", TOO_MANY_REQUESTS, true, "Too many event streams are open";
    /// As many jobs of the tenant wait as may.
    QueueFull = "queue_full", TOO_MANY_REQUESTS, true, "Too many jobs wait";
    /// Something broke on our side.
    Internal = "internal", INTERNAL_SERVER_ERROR, true, "Something went wrong on our side";
    /// A part that is needed cannot be reached now.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, true, "The service is not available now";
    /// The request took too long and was given up.
    Timeout = "timeout", SERVICE_UNAVAILABLE, true, "The request took too long";
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn each_page_starts_with_its_code_and_says_what_to_do() {
        for code in Code::ALL {
            let page = code.page();
            assert!(page.starts_with(&format!("# `{}`", code.as_str())), "{} has no heading", code.as_str());
            assert!(page.contains("## What to do"), "{} does not say what to do", code.as_str());
            assert!(page.contains(&code.status().as_u16().to_string()), "{} does not name its status", code.as_str());
        }
    }

    #[test]
    fn there_is_no_page_without_a_code() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/problems");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let stem = name.strip_suffix(".md").unwrap();
            assert!(Code::ALL.iter().any(|code| code.as_str() == stem), "{name} belongs to no code");
        }
    }
}
