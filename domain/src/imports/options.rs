//! What a person decides about an import besides the mapping.

use crate::countries::Country;

/// What happens to a row whose phone or e-mail belongs to a contact already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedupe {
    /// The row is skipped and the contact stays as it is.
    #[default]
    Skip,
    /// What the row holds overwrites the contact; what it leaves empty stays.
    Update,
}

/// The consent of a contact that a row says nothing about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultConsent {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// Everybody in the file has agreed; the source says where.
    OptedIn,
}

/// The choices of an import, kept with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Options {
    /// The country of phone numbers that do not say theirs; the tenant's default where not set.
    #[serde(default)]
    pub default_country: Option<Country>,
    /// What happens to duplicates.
    #[serde(default)]
    pub dedupe: Dedupe,
    /// Consent to text messages where the row says nothing.
    #[serde(default)]
    pub sms_consent: DefaultConsent,
    /// Where consent was given (`web form 2026-03`); kept as evidence.
    #[serde(default)]
    pub consent_source: Option<String>,
}
