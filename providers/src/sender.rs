//! Who a message comes from, and how fast such a sender may go.
//!
//! The kind is stored with the sender rather than guessed at each send, because a guess from the digits is wrong for
//! toll-free numbers outside North America; [`SenderKind::guess`] only fills the form.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What sort of sender it is; decides its throughput and its opt-out rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderKind {
    /// An ordinary phone number.
    LongCode,
    /// A toll-free phone number.
    TollFree,
    /// A short code.
    ShortCode,
    /// A name of up to eleven characters; cannot receive.
    Alphanumeric,
    /// A pool of senders at the provider that picks one itself.
    Pool,
}

/// Toll-free area codes of the North American plan.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

impl SenderKind {
    /// The likely kind of an SMS address as a tenant typed it.
    #[must_use]
    pub fn guess(address: &str) -> Self {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(number) = address.strip_prefix('+').filter(|number| digits(number)) {
            let toll_free = number
                .strip_prefix('1')
                .filter(|rest| rest.len() == 10)
                .is_some_and(|rest| TOLL_FREE.iter().any(|code| rest.starts_with(code)));
            return if toll_free { Self::TollFree } else { Self::LongCode };
        }
        if crate::twilio::is_messaging_service(address) {
            Self::Pool
        } else if (3..=8).contains(&address.len()) && digits(address) {
            Self::ShortCode
        } else {
            Self::Alphanumeric
        }
    }
}

/// One sender of a provider account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// What sort of sender it is.
    pub kind: SenderKind,
    /// E.164 number, short code, name, or the provider's id of the pool.
    pub address: String,
}

/// A limit: so many units in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendRate {
    /// Units (message segments for SMS) allowed in each period.
    pub units: u32,
    /// The period.
    pub per: Duration,
    /// How long the provider itself holds messages that exceed the rate before it drops them.
    pub provider_queue: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_follow_the_address() {
        for (address, kind) in [
            ("+14155550123", SenderKind::LongCode),
            ("+18885550123", SenderKind::TollFree),
            ("+448005550123", SenderKind::LongCode),
            ("12345", SenderKind::ShortCode),
            ("Patchbay", SenderKind::Alphanumeric),
            ("MG0123456789abcdef0123456789abcdef", SenderKind::Pool),
        ] {
            assert_eq!(SenderKind::guess(address), kind, "{address}");
        }
    }
}
