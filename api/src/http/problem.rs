//! Every error of the API as one type, answered as RFC 9457 `application/problem+json`.
//!
//! A problem has a part for the caller (code, detail, fields) and a part for us (the cause). Only the first is ever
//! written to a body; the second goes to the log under the request id, in `catch.rs`, the one place that answers.
//! Rejected: an error enum per operation. Clients see one shape, and a forgotten case would be a 500 with its text.
//! It is broken by putting `error.to_string()` of an inner error into `detail`.

use std::{error::Error as StdError, fmt, time::Duration};

use patchbay_db::DbError;
use poem::{error::ResponseError, http::StatusCode};
use serde::Serialize;

use super::code::Code;

/// A refusal or failure, on its way to the caller.
pub struct Problem(Box<Inner>);

struct Inner {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// One value that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where it is: an RFC 6901 pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong with it, as a stable name.
    pub code: &'static str,
    /// What is wrong with it, for a person.
    pub detail: String,
}

impl FieldError {
    /// What is wrong at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

impl Problem {
    /// A problem of `code`; `detail` is for the caller to read and holds nothing from inside.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { code, detail: detail.into(), errors: Vec::new(), retry_after: None, cause: None }))
    }

    /// A problem with its usual sentence and nothing to add.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// No `what` of the caller's has this id.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("No {what} with this id."))
    }

    /// A rule refuses the value at `pointer` (422).
    pub fn refused(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let error = FieldError::new(pointer, code, detail);
        Self::new(Code::ValidationFailed, error.detail.clone()).with_errors(vec![error])
    }

    /// Something that the caller cannot help; `cause` goes to the log only.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "The request failed on our side. Its request id leads us to the cause.")
            .caused_by(cause)
    }

    /// Adds the values that are wrong.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Adds when to try again; answered as `Retry-After`, rounded up to seconds.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What the caller reads.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The values that are wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// When to try again.
    #[must_use]
    pub fn after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The cause and its causes, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = String::new();
        let mut next = self.source();
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Problem({}: {}; {})", self.0.code.as_str(), self.0.detail, self.chain())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.detail)
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_ref().map(|cause| &**cause as &(dyn StdError + 'static))
    }
}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.0.code.status()
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match &error {
            DbError::NotFound => Self::new(Code::NotFound, "There is no such record."),
            DbError::Conflict { .. } => {
                Self::new(Code::AlreadyExists, "Another record already has a value that must be unique.")
                    .caused_by(error)
            }
            DbError::Unavailable(..) => {
                Self::new(Code::Unavailable, "The service is not available now. Please try again.")
                    .retry_after(Duration::from_secs(1))
                    .caused_by(error)
            }
            // Deleted between the look and the write: the next look tells which, with the right refusal.
            DbError::Reference { .. } => {
                Self::new(Code::Unavailable, "A record that this is about was deleted meanwhile. Please try again.")
                    .retry_after(Duration::from_secs(1))
                    .caused_by(error)
            }
            _ => Self::internal(error),
        }
    }
}
