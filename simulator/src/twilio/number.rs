//! What may stand in `To` and `From`.
//!
//! The form is checked, not whether a carrier knows the number: tests live on numbers that nobody has.

/// A phone number as E.164, without the separators people type; `None` when it is none.
pub(crate) fn normalize(text: &str) -> Option<String> {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
    let digits = plain.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len());
    let valid = fits && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    valid.then_some(plain)
}

/// Whether this is a short code: three to eight digits.
pub(crate) fn is_short_code(text: &str) -> bool {
    (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether this is an alphanumeric sender: up to 11 letters, digits, spaces and `+-_&`, at least one letter.
pub(crate) fn is_alphanumeric_sender(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'+' | b'-' | b'_' | b'&');
    (1..=11).contains(&text.len()) && text.bytes().all(allowed) && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_go_and_the_plus_is_required() {
        assert_eq!(normalize("+1 (415) 555-0100").as_deref(), Some("+14155550100"));
        for wrong in ["", "+", "4155550100", "+0155550100", "+12", "+1415555010012345", "+1415x550100"] {
            assert_eq!(normalize(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn senders_that_are_no_numbers() {
        assert!(is_short_code("12345") && !is_short_code("12") && !is_short_code("+12345"));
        assert!(
            is_alphanumeric_sender("Patchbay 1")
                && !is_alphanumeric_sender("123")
                && !is_alphanumeric_sender("TwelveLetter")
        );
    }
}
