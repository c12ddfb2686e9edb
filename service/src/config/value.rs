//! The kinds of value a key can have, and how each is written.
//!
//! Durations and sizes carry their unit in the value (`20s`, `8 MiB`): a bare number is refused, because nobody can
//! tell seconds from milliseconds in it. A reason never repeats the text; the reader adds it where it is no secret.

use std::{fmt, net::SocketAddr, time::Duration};

use secrecy::SecretString;
use url::Url;

/// A kind of value.
pub(super) trait Kind: Sized {
    /// How a right value looks, as the object of "write …".
    const FORM: &'static str;
    /// Whether the text must not appear in an error.
    const SECRET: bool = false;
    /// Reads it; the error says what the text is not, such as `is not a number`.
    fn parse(text: &str) -> Result<Self, String>;
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => {$(
        impl Kind for $kind {
            const FORM: &'static str = "a whole number, such as 8";
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("is not a whole number from 0 to {}", Self::MAX))
            }
        }
    )*};
}
whole_numbers!(u32, usize);

impl Kind for f64 {
    const FORM: &'static str = "a number, such as 0.25";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().ok().filter(|number: &Self| number.is_finite()).ok_or_else(|| "is not a number".to_owned())
    }
}

impl Kind for bool {
    const FORM: &'static str = "true or false";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is neither true nor false".to_owned())
    }
}

impl Kind for String {
    const FORM: &'static str = "a text";
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
    }
}

impl Kind for SecretString {
    const FORM: &'static str = "the secret itself";
    const SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::from(text))
    }
}

impl Kind for SocketAddr {
    const FORM: &'static str = "an IP address and a port, such as \"127.0.0.1:8080\" (port 0 takes a free one)";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "is not an address to listen on".to_owned())
    }
}

impl Kind for Url {
    const FORM: &'static str = "a base address without query, such as \"https://api.example.com\"";
    fn parse(text: &str) -> Result<Self, String> {
        let mut url = Self::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("is neither http nor https".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("has a query or fragment".to_owned());
        }
        // Then joining a relative path keeps what the base address has.
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }
}

impl Kind for Duration {
    const FORM: &'static str = "a number with its unit (ms, s, m, h, d), such as \"20s\"";
    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text)?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err("has no unit of time".to_owned()),
        };
        number.checked_mul(milliseconds).map(Self::from_millis).ok_or_else(|| "is too long".to_owned())
    }
}

/// A size in bytes, written with a binary unit: `8 MiB`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// The size in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The size in bytes, as a length in memory; on a machine where it does not fit, the longest there is.
    #[must_use]
    pub fn to_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// A size of `count` MiB.
    #[must_use]
    pub const fn mebibytes(count: u32) -> Self {
        Self(count as u64 * 1024 * 1024)
    }

    /// A size of `count` KiB.
    #[must_use]
    pub const fn kibibytes(count: u32) -> Self {
        Self(count as u64 * 1024)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut unit) = (self.0, "B");
        for larger in ["KiB", "MiB", "GiB"] {
            if number == 0 || number % 1024 != 0 {
                break;
            }
            (number, unit) = (number / 1024, larger);
        }
        write!(out, "{number} {unit}")
    }
}

impl Kind for ByteSize {
    const FORM: &'static str = "a number with its unit (B, KiB, MiB, GiB), such as \"8 MiB\"";
    fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text)?;
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err("has no unit of size".to_owned()),
        };
        number.checked_mul(factor).map(Self).ok_or_else(|| "is too large".to_owned())
    }
}

fn number_and_unit(text: &str) -> Result<(u64, &str), String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.parse().map_err(|_| "does not begin with a whole number".to_owned())?;
    Ok((number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_its_unit() {
        let parse = <Duration as Kind>::parse;
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("2 m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("30d"), Ok(Duration::from_secs(30 * 86_400)));
        for wrong in ["20", "s", "", "-1s", "1.5s", "99999999999999999d", "1 week"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_size_needs_its_unit() {
        let parse = <ByteSize as Kind>::parse;
        assert_eq!(parse("8 MiB"), Ok(ByteSize::mebibytes(8)));
        assert_eq!(parse("64KiB").map(ByteSize::bytes), Ok(65_536));
        assert_eq!(format!("{:?}", ByteSize::mebibytes(256)), "256 MiB");
        for wrong in ["8", "8 MB", "MiB", "99999999999 GiB"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_base_address_is_http_and_has_no_query() {
        let url = <Url as Kind>::parse("https://a.example/base").unwrap();
        assert_eq!(url.join("v1/x").unwrap().as_str(), "https://a.example/base/v1/x");
        for wrong in ["a.example", "ftp://a.example", "https://a.example/?q=1", "https://a.example/#f"] {
            assert!(<Url as Kind>::parse(wrong).is_err(), "{wrong}");
        }
    }
}
