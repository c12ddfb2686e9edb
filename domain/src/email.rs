//! E-mail addresses, normalised, so that one mailbox is one address to deduplication and suppression.
//!
//! The domain is lower-cased and in ASCII (IDNA); the local part is lower-cased too: RFC 5321 lets a server
//! tell cases apart, none that matters does, and treating `Ann@` and `ann@` as two people doubles what they get.
//! Dots and `+tags` are kept: removing them is one provider's rule. Quoted local parts, comments and address
//! literals are refused: no lead has one, and mail to them is undeliverable in practice.

use std::fmt;
use std::str::FromStr;

/// Why a text is no e-mail address that mail can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// Nothing there.
    #[error("the e-mail address is empty")]
    Empty,
    /// Longer than RFC 5321 allows (64 octets before the `@`, 254 in all).
    #[error("the e-mail address is too long")]
    TooLong,
    /// Not `name@domain`.
    #[error("this is not an e-mail address (name@domain)")]
    Malformed,
    /// What follows the `@` is no domain name.
    #[error("the domain of the e-mail address is not a domain name")]
    Domain,
}

impl EmailError {
    /// The stable name of the cause.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "email_empty",
            Self::TooLong => "email_too_long",
            Self::Malformed => "email_malformed",
            Self::Domain => "email_domain_invalid",
        }
    }
}

/// A normalised e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// Reads an address as people and exports write it: `Ann <ann@example.org>` and `mailto:` too.
    ///
    /// # Errors
    /// Why mail cannot be sent there: see [`EmailError`].
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = bare(text);
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Malformed)?;
        if !is_local(local) {
            return Err(EmailError::Malformed);
        }
        let domain = host(domain).ok_or(EmailError::Domain)?;
        let local = local.to_lowercase();
        if local.len() > 64 || local.len() + 1 + domain.len() > 254 {
            return Err(EmailError::TooLong);
        }
        Ok(Self(format!("{local}@{domain}")))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

fn bare(text: &str) -> &str {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}'));
    let text = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(open), Some(inside)) => &inside[open + 1..],
        _ => text,
    };
    match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &text[7..],
        _ => text,
    }
}

fn is_local(local: &str) -> bool {
    !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local.chars().all(|c| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || (!c.is_ascii() && c.is_alphanumeric())
        })
}

/// The domain in ASCII; a plain one (nearly all) is not sent through IDNA.
fn host(domain: &str) -> Option<String> {
    let ascii = if domain.is_ascii() {
        domain.to_ascii_lowercase()
    } else {
        match url::Host::parse(domain).ok()? {
            url::Host::Domain(name) => name,
            url::Host::Ipv4(_) | url::Host::Ipv6(_) => return None,
        }
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let (_, top) = ascii.rsplit_once('.')?;
    (ascii.split('.').all(label) && !top.bytes().all(|b| b.is_ascii_digit())).then_some(ascii)
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_one_mailbox_are_one_address() {
        for text in ["ann@example.org", " Ann@Example.ORG ", "Ann Lee <ANN@example.org>", "mailto:ann@example.org"] {
            assert_eq!(Email::parse(text).unwrap().as_str(), "ann@example.org", "{text}");
        }
    }

    #[test]
    fn a_domain_in_another_script_becomes_ascii() {
        assert_eq!(Email::parse("anna@bücher.example").unwrap().as_str(), "anna@xn--bcher-kva.example");
    }

    #[test]
    fn each_refusal_says_why() {
        let cases = [
            ("", EmailError::Empty),
            ("ann", EmailError::Malformed),
            ("@example.org", EmailError::Malformed),
            ("a..b@example.org", EmailError::Malformed),
            ("ann lee@example.org", EmailError::Malformed),
            ("ann@localhost", EmailError::Domain),
            ("ann@-x.org", EmailError::Domain),
            ("ann@10.0.0.1", EmailError::Domain),
        ];
        for (text, error) in cases {
            assert_eq!(Email::parse(text), Err(error), "{text}");
        }
        assert_eq!(Email::parse(&format!("{}@example.org", "a".repeat(65))), Err(EmailError::TooLong));
    }

    proptest! {
        #[test]
        fn reading_is_idempotent_and_never_panics(text in "\\PC{0,40}@?\\PC{0,40}") {
            if let Ok(email) = Email::parse(&text) {
                let again = Email::parse(email.as_str());
                prop_assert_eq!(again, Ok(email));
            }
        }
    }
}
