//! What a column can be mapped to.
//!
//! A closed list plus `attributes.<name>`: whatever a file holds beyond the list is kept as a free attribute,
//! never squeezed into a field that means something else.

use std::fmt;
use std::str::FromStr;

/// The longest name of an attribute, in characters.
const LONGEST_NAME: usize = 64;

/// The target of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Both names in one column; fills what the other two leave empty.
    FullName,
    /// A phone number, in any usual spelling.
    Phone,
    /// An e-mail address.
    Email,
    /// The organization the person works for.
    CompanyName,
    /// What the person does there.
    JobTitle,
    /// ISO 3166 code or name; also the country in which the row's phone number is read.
    Country,
    /// City.
    City,
    /// A language tag (`pt-BR`).
    Locale,
    /// An IANA time zone (`America/Chicago`).
    Timezone,
    /// Where the lead came from.
    Source,
    /// Whether the person agreed to text messages: yes, no, or empty.
    SmsConsent,
    /// One free attribute.
    Attribute(String),
    /// Not imported.
    Ignore,
}

/// The text names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no field {0:?}; use one of first_name, last_name, full_name, phone, email, company_name, job_title, country, city, locale, timezone, source, sms_consent, attributes.<name> (letters, digits, _, - or space; at most 64), ignore"
)]
pub struct UnknownField(pub String);

impl Field {
    /// The fields with a fixed name.
    pub const NAMED: [(&'static str, Self); 14] = [
        ("first_name", Self::FirstName),
        ("last_name", Self::LastName),
        ("full_name", Self::FullName),
        ("phone", Self::Phone),
        ("email", Self::Email),
        ("company_name", Self::CompanyName),
        ("job_title", Self::JobTitle),
        ("country", Self::Country),
        ("city", Self::City),
        ("locale", Self::Locale),
        ("timezone", Self::Timezone),
        ("source", Self::Source),
        ("sms_consent", Self::SmsConsent),
        ("ignore", Self::Ignore),
    ];

    /// `attributes.<name>` with a name made of a column's: what fits no field is kept under its own name.
    #[must_use]
    pub fn attribute_of(column: &str) -> Self {
        let mut name = String::new();
        for c in column.trim().chars().flat_map(char::to_lowercase) {
            let c = if c.is_alphanumeric() { c } else { '_' };
            if !(c == '_' && (name.is_empty() || name.ends_with('_'))) {
                name.push(c);
            }
        }
        let name: String = name.trim_end_matches('_').chars().take(LONGEST_NAME).collect();
        Self::Attribute(if name.is_empty() { "column".into() } else { name })
    }
}

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some((_, field)) = Self::NAMED.into_iter().find(|(name, _)| *name == text) {
            return Ok(field);
        }
        let name = text.strip_prefix("attributes.").ok_or_else(|| UnknownField(text.into()))?;
        let fits = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
        if name.trim() != name || name.is_empty() || name.chars().count() > LONGEST_NAME || !fits {
            return Err(UnknownField(text.into()));
        }
        Ok(Self::Attribute(name.to_owned()))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Attribute(name) = self {
            return write!(f, "attributes.{name}");
        }
        let named = Self::NAMED.iter().find(|(_, field)| field == self);
        f.write_str(named.map_or("", |(name, _)| name))
    }
}
