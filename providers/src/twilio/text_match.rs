//! Whether a text at Twilio is the one we sent.
//!
//! Twilio changes texts in known ways: a trial account's get a prefix, and a Messaging Service's smart encoding swaps
//! typographic characters for plain ones to save segments. Both sides are folded the same way before they are
//! compared. Accounts that redact keep nothing to compare, and then say so.

use crate::BodyMatch;

/// What Twilio puts before every text of a trial account.
const TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";

/// How the text at Twilio agrees with ours; none when it is another text.
pub fn compare(ours: &str, theirs: &str) -> Option<BodyMatch> {
    let theirs = theirs.strip_prefix(TRIAL_PREFIX).filter(|_| !ours.starts_with(TRIAL_PREFIX)).unwrap_or(theirs);
    let (folded_ours, folded_theirs) = (fold(ours), fold(theirs));
    if folded_ours == folded_theirs {
        Some(BodyMatch::Same)
    } else if is_redacted(&folded_theirs) {
        Some(BodyMatch::Hidden)
    } else {
        None
    }
}

/// An empty text, or one with nothing but marks in the place of letters.
fn is_redacted(folded: &str) -> bool {
    folded.eq_ignore_ascii_case("[redacted]") || folded.chars().all(|c| matches!(c, '*' | 'X' | 'x' | '.' | ' '))
}

fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201A}' | '\u{201B}' | '\u{2032}' | '\u{2035}' | '\u{00B4}' | '`' => {
                folded.push('\'');
            }
            '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{201F}' | '\u{2033}' | '\u{2036}' | '\u{00AB}' | '\u{00BB}' => {
                folded.push('"');
            }
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' => folded.push('-'),
            '\u{2026}' => folded.push_str("..."),
            '\u{00A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\t' => {
                folded.push(' ');
            }
            '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}' | '\r' => {}
            c => folded.push(c),
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_twilio_makes_still_match() {
        for (ours, theirs) in [
            ("Hello", "Hello"),
            ("Hello\r\nyou ", "Hello\nyou"),
            ("“It’s” — here…", "\"It's\" - here..."),
            ("Hello", "Sent from your Twilio trial account - Hello"),
            ("مرحبا", "مرحبا"),
        ] {
            assert_eq!(compare(ours, theirs), Some(BodyMatch::Same), "{ours}");
        }
    }

    #[test]
    fn another_text_does_not_match_and_a_redacted_one_is_told_apart() {
        assert_eq!(compare("Hello", "Hello!"), None);
        assert_eq!(compare("Code 1", "Code 2"), None);
        for redacted in ["", "****", "[REDACTED]"] {
            assert_eq!(compare("Hello", redacted), Some(BodyMatch::Hidden));
        }
    }
}
