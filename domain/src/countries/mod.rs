//! Countries as ISO 3166-1 alpha-2 codes, read from the codes and names that files hold.
//!
//! A country decides how a national phone number is read, so an unknown name is an error, never a guess.

mod table;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// A country's alpha-2 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country(&'static str);

/// The text names no country that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a country: give the two-letter ISO 3166 code")]
pub struct UnknownCountry;

impl Country {
    /// Reads an alpha-2 or alpha-3 code or a usual name, in any case.
    ///
    /// # Errors
    /// [`UnknownCountry`] where the text is none of these.
    pub fn parse(text: &str) -> Result<Self, UnknownCountry> {
        NAMES.get(key(text).as_str()).map(|code| Self(code)).ok_or(UnknownCountry)
    }

    /// The alpha-2 code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

/// Letters and digits only, lower-cased: `U.S.A.` is `usa`.
fn key(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

static NAMES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (alpha2, alpha3, others) in table::TABLE {
        for name in [alpha2, alpha3].iter().chain(others) {
            names.insert(key(name), alpha2);
        }
    }
    names
});

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl serde::Serialize for Country {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Country {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_read_in_any_case() {
        for text in ["GB", "gb", "GBR", "uk", "U.K.", "United Kingdom", " england "] {
            assert_eq!(Country::parse(text).map(Country::as_str), Ok("GB"), "{text}");
        }
        assert_eq!(Country::parse("Atlantis"), Err(UnknownCountry));
        assert_eq!(Country::parse(""), Err(UnknownCountry));
    }

    #[test]
    fn no_name_stands_for_two_countries() {
        let mut seen = HashMap::new();
        for (alpha2, alpha3, others) in table::TABLE {
            for name in [alpha2, alpha3].iter().chain(others) {
                let before = seen.insert(key(name), alpha2).filter(|other| *other != alpha2);
                assert_eq!(before, None, "{name} is both {alpha2} and another");
            }
        }
    }
}
