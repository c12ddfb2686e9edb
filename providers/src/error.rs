//! How an exchange with a provider failed, in the terms a job needs to decide what to do.
//!
//! The class says whether to try again, the scope says what else will fail the same way. Both come from tables and
//! status codes, never from reading a provider's sentence. The text is our own words: a provider's sentence may quote
//! the number, the body or a key, so it is never kept.

use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// What a failure means for another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The same attempt fails again: stop.
    Permanent,
    /// Not accepted, and may work later: try again with backoff.
    Retryable,
    /// Not accepted because of a limit: wait (see [`retry_after`](field@ProviderError::retry_after)); costs no attempt.
    Throttled,
    /// May have been accepted: look it up before any other attempt.
    Unknown,
    /// The person has opted out at the provider: record it; never try again.
    OptedOut,
    /// The account's credentials or standing are refused: every other send of the account fails too.
    AuthFailed,
}

impl ErrorClass {
    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Retryable => "retryable",
            Self::Throttled => "throttled",
            Self::Unknown => "unknown",
            Self::OptedOut => "opted_out",
            Self::AuthFailed => "auth_failed",
        }
    }
}

/// What else a failure holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorScope {
    /// This message only.
    Message,
    /// Every message to this address.
    Recipient,
    /// Every message of this account to this country.
    Region,
    /// Every message from this sender.
    Sender,
    /// Every message of this account.
    Account,
}

/// A failed exchange with a provider. Safe to log and to show to the tenant.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct ProviderError {
    /// What it means for another attempt.
    pub class: ErrorClass,
    /// What else it holds for.
    pub scope: ErrorScope,
    /// The provider's own code, when it gave one.
    pub code: Option<String>,
    /// The HTTP status, when there was an answer.
    pub http_status: Option<u16>,
    /// How long the provider asks us to wait, or the table's guess when it does not say.
    pub retry_after: Option<Duration>,
    text: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ProviderError {
    /// A failure in our own words, which must not quote a body, a secret or the provider's sentence.
    pub(crate) fn new(class: ErrorClass, scope: ErrorScope, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class, scope, code: None, http_status: None, retry_after: None, text: text.into(), source: None }
    }

    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) const fn http_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    pub(crate) const fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    pub(crate) fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What happened, in our own words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Why a provider could not deliver a message it had accepted; part of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The provider's code.
    pub code: String,
    /// What it means for sending the message anew. Codes we do not know are [`ErrorClass::Permanent`].
    pub class: ErrorClass,
    /// What else it holds for.
    pub scope: ErrorScope,
    /// What happened, in our own words.
    pub text: String,
}
