//! Phone numbers in E.164, the one form in which an address is stored, compared and texted.
//!
//! Equal people must get equal addresses, else deduplication, consent and STOP all miss; so a number is read
//! once, here, and everything behind this door holds an [`E164`].
//! The metadata is that of the `phonenumber` crate; its parser is not used: with a default country given it
//! strips that country's trunk prefix from numbers of *other* countries (default US turns the German
//! `+49 1512 3456789` into `+49 5123456789`), and its matcher accepts a prefix match as a match. Reading is
//! ours ([`read`]), after libphonenumber's published algorithm.
//! An extension is refused, not dropped: a text cannot reach it, and dropping it would text the switchboard.
//! It is broken by widening what is accepted without a validity check: a wrong digit texts a stranger.

mod clean;
mod error;
mod read;
mod region;

use std::fmt;
use std::str::FromStr;

pub use error::PhoneError;

use crate::countries::Country;

/// A valid phone number as `+` and 2 to 15 digits (ITU-T E.164).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct E164(String);

impl E164 {
    /// Reads a number as people write it: national or international, `+`, `00` or the country's own prefix,
    /// any usual punctuation, digits of any script, `tel:` links.
    ///
    /// `country` is the country of a number that does not say its own.
    ///
    /// # Errors
    /// Why it is not a number one can text: see [`PhoneError`].
    pub fn parse(text: &str, country: Option<Country>) -> Result<Self, PhoneError> {
        let cleaned = clean::clean(text)?;
        let digits = if cleaned.international {
            read::international(&cleaned.digits)?
        } else {
            read::national(&cleaned.digits, country)?
        };
        Ok(Self(format!("+{digits}")))
    }

    /// The number, `+` first.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, `+` first.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for E164 {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for E164 {
    type Err = PhoneError;

    /// Reads a number that says its own country.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text, None)
    }
}

impl<'de> serde::Deserialize<'de> for E164 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
