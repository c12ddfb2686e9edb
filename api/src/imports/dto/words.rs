//! The enums of imports on the wire.

use patchbay_domain::imports::{ImportState as State, options};
use poem_openapi::Enum;

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ImportState {
    /// The file is coming in, or the upload broke off.
    Uploading,
    /// The file is whole; nothing was started.
    Uploaded,
    /// Its job waits or runs.
    Running,
    /// Every row has its outcome. After a dry run it can be started again, for real.
    Completed,
    /// It ended before every row had one; what was written stays.
    Failed,
    /// Somebody stopped it; what was written stays.
    Cancelled,
}

impl From<State> for ImportState {
    fn from(state: State) -> Self {
        match state {
            State::Uploading => Self::Uploading,
            State::Uploaded => Self::Uploaded,
            State::Running => Self::Running,
            State::Completed => Self::Completed,
            State::Failed => Self::Failed,
            State::Cancelled => Self::Cancelled,
        }
    }
}

/// What happens to a row whose phone number or e-mail address belongs to a contact already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ImportDedupe {
    /// The row is skipped.
    Skip,
    /// What the row says overwrites the contact; what it leaves empty stays.
    Update,
}

impl From<ImportDedupe> for options::Dedupe {
    fn from(dedupe: ImportDedupe) -> Self {
        match dedupe {
            ImportDedupe::Skip => Self::Skip,
            ImportDedupe::Update => Self::Update,
        }
    }
}

impl From<options::Dedupe> for ImportDedupe {
    fn from(dedupe: options::Dedupe) -> Self {
        match dedupe {
            options::Dedupe::Skip => Self::Skip,
            options::Dedupe::Update => Self::Update,
        }
    }
}

/// Consent to text messages where a row says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
pub enum ImportSmsConsent {
    /// Nobody has asked.
    Unknown,
    /// Everybody in the file has agreed.
    OptedIn,
}

impl From<ImportSmsConsent> for options::DefaultConsent {
    fn from(consent: ImportSmsConsent) -> Self {
        match consent {
            ImportSmsConsent::Unknown => Self::Unknown,
            ImportSmsConsent::OptedIn => Self::OptedIn,
        }
    }
}

impl From<options::DefaultConsent> for ImportSmsConsent {
    fn from(consent: options::DefaultConsent) -> Self {
        match consent {
            options::DefaultConsent::Unknown => Self::Unknown,
            options::DefaultConsent::OptedIn => Self::OptedIn,
        }
    }
}
