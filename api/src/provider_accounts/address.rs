//! What a sender may be called: a number in E.164, a short code, a name, or a Twilio Messaging Service.

use patchbay_domain::phone::E164;
use patchbay_providers::SenderKind;

/// The address in the form in which it is stored, and what sort of sender it is.
///
/// # Errors
/// A sentence for the caller.
pub(super) fn normal(text: &str) -> Result<(String, SenderKind), String> {
    let text = text.trim();
    if text.starts_with('+') {
        let number: E164 = text.parse().map_err(|error| format!("Not a phone number in E.164: {error}."))?;
        let kind = SenderKind::guess(number.as_str());
        return Ok((number.into_string(), kind));
    }
    let kind = SenderKind::guess(text);
    match kind {
        SenderKind::Alphanumeric if !is_name(text) => {
            Err("Neither a number in E.164, nor a short code, nor a name of up to 11 letters and digits with a letter."
                .to_owned())
        }
        _ => Ok((text.to_owned(), kind)),
    }
}

/// GSM's alphanumeric sender ids, without the punctuation that carriers refuse.
fn is_name(text: &str) -> bool {
    (1..=11).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_sender_is_taken_in_one_form() {
        for (text, stored) in [
            ("+1 (202) 555-0100", "+12025550100"),
            (" +12025550100 ", "+12025550100"),
            ("72345", "72345"),
            ("Acme", "Acme"),
            ("MG0123456789abcdef0123456789abcdef", "MG0123456789abcdef0123456789abcdef"),
        ] {
            assert_eq!(normal(text).map(|(address, _)| address).as_deref(), Ok(stored), "{text}");
        }
    }

    #[test]
    fn what_cannot_send_is_refused() {
        for text in ["", "12", "+1", "a name that is too long", "+44 20 7946", "2025550100"] {
            assert!(normal(text).is_err(), "{text}");
        }
    }
}
