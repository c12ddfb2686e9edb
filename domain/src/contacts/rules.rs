//! What the fields of a record may hold; the same for the API and for imports.

use chrono_tz::Tz;
use serde_json::Value;

use super::model::{ChannelKind, ContactFields};
use super::{ContactError, Fault};
use crate::countries::Country;
use crate::email::Email;
use crate::phone::E164;

/// The longest text of a field, in characters.
pub const LONGEST_TEXT: usize = 500;
/// The largest attributes of a record, in bytes of JSON.
pub const LARGEST_ATTRIBUTES: usize = 64 * 1024;

/// Checks every field, and brings locale, zone and country into their one form.
pub(super) fn check(fields: &mut ContactFields) -> Result<(), ContactError> {
    let mut faults = Vec::new();
    let texts = [
        ("/first_name", &fields.first_name),
        ("/last_name", &fields.last_name),
        ("/job_title", &fields.job_title),
        ("/company_name", &fields.company_name),
        ("/city", &fields.city),
    ];
    for (pointer, text) in texts {
        faults.extend(text.as_deref().and_then(|text| check_text(pointer, text)));
    }
    one_form(&mut fields.country, &mut faults, "/country", "country_unknown", |text| {
        Country::parse(text).ok().map(|country| country.as_str().to_owned())
    });
    one_form(&mut fields.locale, &mut faults, "/locale", "locale_invalid", locale_tag);
    one_form(&mut fields.timezone, &mut faults, "/timezone", "timezone_unknown", |text| {
        timezone_name(text).map(str::to_owned)
    });
    faults.extend(check_attributes("/attributes", &fields.attributes));
    if faults.is_empty() { Ok(()) } else { Err(ContactError::Invalid(faults)) }
}

fn one_form(
    field: &mut Option<String>,
    faults: &mut Vec<Fault>,
    pointer: &str,
    code: &'static str,
    read: impl Fn(&str) -> Option<String>,
) {
    let Some(text) = field else { return };
    match read(text) {
        Some(form) => *text = form,
        None => faults.push(Fault::at(pointer, code, "not a known value")),
    }
}

/// What is wrong with a text field; nothing for most.
#[must_use]
pub fn check_text(pointer: &str, text: &str) -> Option<Fault> {
    if text.contains('\0') {
        return Some(Fault::at(pointer, "text_has_nul", "the text holds a NUL character"));
    }
    let long = text.len() > LONGEST_TEXT && text.chars().count() > LONGEST_TEXT;
    long.then(|| Fault::at(pointer, "text_too_long", format!("at most {LONGEST_TEXT} characters")))
}

/// What is wrong with free attributes.
#[must_use]
pub fn check_attributes(pointer: &str, attributes: &Value) -> Option<Fault> {
    if !attributes.is_object() {
        return Some(Fault::at(pointer, "attributes_not_an_object", "attributes are a JSON object"));
    }
    let text = attributes.to_string();
    if text.len() > LARGEST_ATTRIBUTES {
        return Some(Fault::at(pointer, "attributes_too_large", "at most 64 KiB of JSON"));
    }
    // The database's jsonb holds no NUL; `\u0000` is how JSON writes it.
    text.contains("\\u0000").then(|| Fault::at(pointer, "text_has_nul", "the attributes hold a NUL character"))
}

/// A language tag in its usual form (`pt-BR`); none where the text is no tag.
#[must_use]
pub fn locale_tag(text: &str) -> Option<String> {
    let tag = text.trim().replace('_', "-");
    let mut parts = tag.split('-');
    let language = parts.next()?;
    let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    (is_language && rest).then_some(tag)
}

/// The name of an IANA time zone; none where there is no such zone.
#[must_use]
pub fn timezone_name(text: &str) -> Option<&'static str> {
    text.trim().parse::<Tz>().ok().map(|zone| zone.name())
}

/// The stored form of an address.
///
/// # Errors
/// The fault of the field at `pointer`.
pub fn address(pointer: &str, channel: ChannelKind, text: &str, country: Option<Country>) -> Result<String, Fault> {
    match channel {
        ChannelKind::Email => Email::parse(text)
            .map(Email::into_string)
            .map_err(|error| Fault::at(pointer, error.code(), error.to_string())),
        ChannelKind::Sms | ChannelKind::Whatsapp => E164::parse(text, country)
            .map(E164::into_string)
            .map_err(|error| Fault::at(pointer, error.code(), error.to_string())),
    }
}
