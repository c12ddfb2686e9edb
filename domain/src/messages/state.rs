//! Where a message stands, and which report may move it.
//!
//! Providers report twice and out of order, so a report is applied by rank and never by arrival: the higher rank stays.
//! The ranks are a total order on purpose; with two final states of one rank the result would depend on which report
//! came first. `delivered` is the highest: carriers do send `undelivered` and then `delivered`, and to believe the
//! failure could text a person twice. The function `message_rank` in the database is the same order; a test holds the
//! two together.

use crate::words::words;

words! {
    /// A message's state.
    MessageState {
        /// Accepted; its job has not taken it up.
        Queued = "queued",
        /// Claimed: it may or may not have reached the provider.
        Sending = "sending",
        /// The provider took it.
        Sent = "sent",
        /// The phone has it.
        Delivered = "delivered",
        /// The provider or the carrier could not deliver it.
        Undelivered = "undelivered",
        /// The provider refused it, or it could not be sent.
        Failed = "failed",
        /// Cancelled before it was sent.
        Cancelled = "cancelled",
        /// Not sent because of consent or suppression.
        Refused = "refused",
        /// It came in.
        Received = "received",
    }
}

words! {
    /// Which way a message goes.
    Direction {
        /// To a contact.
        Outbound = "outbound",
        /// From a contact.
        Inbound = "inbound",
    }
}

words! {
    /// What a message is for: decides which consent it needs (see `judge`).
    MessageClass {
        /// Expected by its recipient: a receipt, a reminder, a code.
        Transactional = "transactional",
        /// Everything that advertises.
        Marketing = "marketing",
        /// The answer to STOP, START or HELP; made by Patchbay only.
        Compliance = "compliance",
    }
}

impl MessageState {
    /// The higher rank stays (`message_rank` in SQL). `cancelled`, `refused` and `received` are moved by no report.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Queued => 0,
            Self::Sending => 1,
            Self::Sent => 2,
            Self::Failed => 3,
            Self::Undelivered => 4,
            Self::Delivered => 5,
            Self::Cancelled | Self::Refused | Self::Received => 9,
        }
    }

    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending | Self::Sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back() {
        for state in MessageState::ALL {
            assert_eq!(state.as_str().parse(), Ok(*state));
        }
        assert!("sms".parse::<MessageState>().is_err());
    }

    #[test]
    fn no_two_states_that_a_report_can_name_share_a_rank() {
        let mut ranks: Vec<u8> = MessageState::ALL.iter().map(|s| s.rank()).filter(|r| *r < 9).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5]);
    }
}
