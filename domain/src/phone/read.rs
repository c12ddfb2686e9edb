//! From digits to country code and national number, after libphonenumber's `parse`, with one change: a reading
//! is taken only if it is *valid*, and a number that says its country and is valid as it stands is never
//! rewritten. That makes reading idempotent, which the database's unique addresses rest on.

use super::PhoneError;
use super::region::{self, Length, Region};
use crate::countries::Country;

/// E.164 allows 15 digits with the country code.
const LONGEST: usize = 15;

/// Reads `+…`: the digits start with a country code.
pub(super) fn international(digits: &str) -> Result<String, PhoneError> {
    // `+00 44 …` and `+011 44 …` do occur; no country code starts with 0.
    let digits = digits.strip_prefix("00").or_else(|| digits.strip_prefix("011")).unwrap_or(digits);
    let (plan, national) = split(digits)?;
    if region::is_assigned(plan.code, national) {
        return finish(plan, national);
    }
    match plan.without_trunk(national) {
        Some(stripped) if region::is_assigned(plan.code, &stripped) => finish(plan, &stripped),
        _ => Err(why_not(plan, national)),
    }
}

/// Reads a number without `+`, as one dials it in `country`.
pub(super) fn national(digits: &str, country: Option<Country>) -> Result<String, PhoneError> {
    let Some(country) = country else {
        return match digits.strip_prefix("00") {
            Some(rest) => international(rest),
            None if digits.len() < 4 => Err(PhoneError::TooShort),
            None => Err(PhoneError::NoCountry),
        };
    };
    let plan = region::of_country(country.as_str()).ok_or(PhoneError::NoCountry)?;
    if let Some(Ok(read)) = plan.after_idd(digits).map(international) {
        return Ok(read);
    }
    if let Some(read) = within(plan, digits) {
        return finish(plan, &read);
    }
    // The country's own code without `+`, as spreadsheets leave it.
    if let Some(rest) = digits.strip_prefix(&plan.code.to_string())
        && let Some(read) = within(plan, rest)
    {
        return finish(plan, &read);
    }
    // 00 is what most of the world dials, whatever the default country.
    if let Some(rest) = digits.strip_prefix("00") {
        return international(rest);
    }
    let bare = plan.without_trunk(digits);
    Err(why_not(plan, bare.as_deref().unwrap_or(digits)))
}

/// The national number in `digits`, without its trunk prefix where it has one.
fn within(plan: &Region, digits: &str) -> Option<String> {
    if let Some(stripped) = plan.without_trunk(digits)
        && region::is_assigned(plan.code, &stripped)
    {
        return Some(stripped);
    }
    region::is_assigned(plan.code, digits).then(|| digits.to_owned())
}

/// Calling codes are prefix-free and have one to three digits.
fn split(digits: &str) -> Result<(&'static Region, &str), PhoneError> {
    for len in 1..=3 {
        let Some((code, rest)) = digits.split_at_checked(len) else {
            return Err(PhoneError::TooShort);
        };
        let code = code.parse().map_err(|_| PhoneError::NotANumber)?;
        if let Some(plan) = region::of_code(code) {
            return Ok((plan, rest));
        }
    }
    Err(PhoneError::UnknownCountryCode)
}

fn finish(plan: &Region, national: &str) -> Result<String, PhoneError> {
    let digits = format!("{}{national}", plan.code);
    if digits.len() > LONGEST { Err(PhoneError::TooLong) } else { Ok(digits) }
}

fn why_not(plan: &Region, national: &str) -> PhoneError {
    match plan.length(national) {
        Length::TooShort => PhoneError::TooShort,
        Length::TooLong => PhoneError::TooLong,
        Length::NotPossible => PhoneError::NotPossible,
        Length::Possible => PhoneError::Invalid,
    }
}
