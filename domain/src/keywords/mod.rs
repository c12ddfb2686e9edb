//! What is answered to STOP, START and HELP.
//!
//! Which text is a keyword is known beside the providers (`patchbay_providers::sms::keywords`), because carriers
//! decide it; what we say is a rule of the product. Each answer names the sender, says what happened and how to undo
//! it, and fits one segment (the name is cut to make it fit). A text with room for advertising was rejected: a
//! confirmation with marketing in it is a violation, and it is the one message that may follow a STOP.

/// What a contact asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Who is this, and how do I stop it?
    Help,
}

/// Longest name, in characters, that leaves each text within one segment of GSM text or two of UCS-2.
const NAME_MAX: usize = 40;

/// The answer to `keyword` in the name of `tenant`.
#[must_use]
pub fn reply(keyword: Keyword, tenant: &str) -> String {
    let name: String = tenant.chars().take(NAME_MAX).collect();
    let text = match keyword {
        Keyword::Stop => "You are unsubscribed and will get no more messages. Reply START to resubscribe.",
        Keyword::Start => "You are subscribed again. Reply HELP for help or STOP to unsubscribe.",
        Keyword::Help => "Reply STOP to unsubscribe. Message and data rates may apply.",
    };
    format!("{name}: {text}")
}

/// Whether a keyword is answered: only what changed something is confirmed, so that two machines cannot talk to each
/// other for ever, and HELP gets no answer from a toll-free number while the carrier holds a STOP.
#[must_use]
pub const fn is_answered(keyword: Keyword, changed: bool, toll_free: bool, opted_out: bool) -> bool {
    match keyword {
        // A toll-free STOP is confirmed and held by the carrier: ours would be refused.
        Keyword::Stop => changed && !toll_free,
        Keyword::Start => changed,
        Keyword::Help => !(toll_free && opted_out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_fits_one_segment_and_names_the_sender() {
        for keyword in [Keyword::Stop, Keyword::Start, Keyword::Help] {
            let text = reply(keyword, &"N".repeat(300));
            assert!(text.starts_with("NNN") && text.is_ascii() && text.len() <= 160, "{text}");
        }
    }

    #[test]
    fn a_repeated_stop_is_not_confirmed_again() {
        assert!(is_answered(Keyword::Stop, true, false, true));
        assert!(!is_answered(Keyword::Stop, false, false, true));
        assert!(!is_answered(Keyword::Stop, true, true, true));
        assert!(!is_answered(Keyword::Help, false, true, true));
    }
}
