//! Whether a person may be texted: the one rule on consent.
//!
//! Whoever opted out gets nothing but the answer to their own keyword. Marketing needs an opt-in on record; what the
//! recipient expects (transactional) may go where consent is unknown. A suppression (bounce, complaint, by hand) stops
//! both. `send/claim.sql` says the same; a test holds the two together.

use super::super::state::MessageClass;
use crate::consent::ConsentState;

/// The code of the refusal, if a message of `class` may not go to an address with this consent (none where the
/// address is nobody's) and this suppression.
#[must_use]
pub fn judge(class: MessageClass, consent: Option<ConsentState>, suppressed: Option<&str>) -> Option<&'static str> {
    if class == MessageClass::Compliance {
        None
    } else if suppressed == Some("stop") || consent == Some(ConsentState::OptedOut) {
        Some("recipient_opted_out")
    } else if suppressed.is_some() {
        Some("recipient_suppressed")
    } else if class == MessageClass::Marketing && consent != Some(ConsentState::OptedIn) {
        Some("recipient_not_opted_in")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_beats_everything_but_its_own_confirmation() {
        use MessageClass::{Compliance, Marketing, Transactional};
        for class in [Transactional, Marketing] {
            assert_eq!(judge(class, Some(ConsentState::OptedOut), None), Some("recipient_opted_out"));
            assert_eq!(judge(class, Some(ConsentState::OptedIn), Some("stop")), Some("recipient_opted_out"));
            assert_eq!(judge(class, Some(ConsentState::OptedIn), Some("bounce")), Some("recipient_suppressed"));
            assert_eq!(judge(class, Some(ConsentState::OptedIn), None), None);
        }
        assert_eq!(judge(Compliance, Some(ConsentState::OptedOut), Some("stop")), None);
    }

    #[test]
    fn marketing_needs_an_opt_in() {
        for consent in [None, Some(ConsentState::Unknown)] {
            assert_eq!(judge(MessageClass::Marketing, consent, None), Some("recipient_not_opted_in"));
            assert_eq!(judge(MessageClass::Transactional, consent, None), None);
        }
    }
}
