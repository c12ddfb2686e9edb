//! Finds what a Twilio error code means, for refusals and for receipts alike.
//!
//! Twilio uses one number space for both, so one table serves both. Codes we do not know keep their number and are
//! permanent: trying again for a reason nobody understands is how a person gets ten texts.

use std::time::Duration;

use super::error_table::ERRORS;
use crate::{ErrorClass, ErrorScope, Failure};

/// One error code of Twilio's.
#[derive(Debug, Clone, Copy)]
pub struct ErrorEntry {
    /// Twilio's number for it.
    pub code: u32,
    /// What it means for another attempt.
    pub class: ErrorClass,
    /// What else it holds for.
    pub scope: ErrorScope,
    /// How long to wait when Twilio does not say; set for [`ErrorClass::Throttled`] only.
    pub pause: Option<Duration>,
    /// What happened, in our own words.
    pub meaning: &'static str,
}

/// The entry of a code, if the table has it.
#[must_use]
pub fn entry(code: u32) -> Option<&'static ErrorEntry> {
    ERRORS.binary_search_by_key(&code, |entry| entry.code).ok().map(|at| &ERRORS[at])
}

/// A receipt's error code as a failure; none for 0, which stands for "no error".
#[must_use]
pub fn explain(code: u32) -> Option<Failure> {
    if code == 0 {
        return None;
    }
    Some(match entry(code) {
        Some(entry) => Failure {
            code: code.to_string(),
            class: entry.class,
            scope: entry.scope,
            text: format!("Twilio {code}: {}", entry.meaning),
        },
        None => Failure {
            code: code.to_string(),
            class: ErrorClass::Permanent,
            scope: ErrorScope::Message,
            text: format!("Twilio reports error {code}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_code_is_found() {
        assert!(ERRORS.is_sorted_by(|a, b| a.code < b.code));
        for listed in ERRORS {
            assert_eq!(entry(listed.code).map(|found| found.meaning), Some(listed.meaning));
        }
    }

    #[test]
    fn only_limits_have_a_pause_and_every_limit_has_one() {
        for entry in ERRORS {
            assert_eq!(entry.pause.is_some(), entry.class == ErrorClass::Throttled, "{}", entry.code);
        }
    }

    #[test]
    fn the_codes_that_steer_the_pipeline() {
        for (code, class, scope) in [
            (20003, ErrorClass::AuthFailed, ErrorScope::Account),
            (20429, ErrorClass::Throttled, ErrorScope::Account),
            (21211, ErrorClass::Permanent, ErrorScope::Recipient),
            (21408, ErrorClass::Permanent, ErrorScope::Region),
            (21610, ErrorClass::OptedOut, ErrorScope::Recipient),
            (21611, ErrorClass::Throttled, ErrorScope::Sender),
            (30001, ErrorClass::Throttled, ErrorScope::Sender),
            (30003, ErrorClass::Retryable, ErrorScope::Recipient),
            (30007, ErrorClass::Permanent, ErrorScope::Message),
            (63017, ErrorClass::Throttled, ErrorScope::Account),
        ] {
            let entry = entry(code).unwrap();
            assert_eq!((entry.class, entry.scope), (class, scope), "{code}");
        }
    }

    #[test]
    fn a_code_we_do_not_know_keeps_its_number_and_is_not_tried_again() {
        let failure = explain(39_999).unwrap();
        assert_eq!((failure.code.as_str(), failure.class), ("39999", ErrorClass::Permanent));
        assert_eq!(explain(0), None);
    }
}
