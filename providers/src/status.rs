//! What has become of a message, ordered so that receipts may arrive in any order and any number.
//!
//! The statuses are a total order and applying a receipt keeps the greater one, so every order and repetition ends in
//! the same state; a table of allowed transitions was rejected because it has no such guarantee. The order is one of
//! evidence: a later report of "sent" never undoes a failure, but a report of "delivered" after "undelivered" wins.
//! Carriers do send that pair (a lost handset report times out, then arrives), and believing the failure could send the
//! text again. Likewise a message we cancelled that was sent after all counts as sent.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A message's delivery state. Declared from the weakest evidence to the strongest: `Ord` is the rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// Ours alone: not handed to a provider yet.
    Queued,
    /// The provider has it.
    Accepted,
    /// It was withdrawn before it was sent.
    Canceled,
    /// The provider is handing it to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// The provider could not send it.
    Failed,
    /// The carrier could not deliver it.
    Undelivered,
    /// It reached the person's device.
    Delivered,
    /// The person opened it.
    Read,
}

impl DeliveryStatus {
    /// Every status, weakest first.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Accepted,
        Self::Canceled,
        Self::Sending,
        Self::Sent,
        Self::Failed,
        Self::Undelivered,
        Self::Delivered,
        Self::Read,
    ];

    /// The rank to store and compare in SQL (`rank < excluded.rank`). Gaps leave room for later statuses.
    #[must_use]
    pub const fn rank(self) -> i16 {
        match self {
            Self::Queued => 0,
            Self::Accepted => 10,
            Self::Canceled => 15,
            Self::Sending => 20,
            Self::Sent => 30,
            Self::Failed => 40,
            Self::Undelivered => 50,
            Self::Delivered => 60,
            Self::Read => 70,
        }
    }

    /// Whether a receipt with this status replaces the current one.
    #[must_use]
    pub const fn supersedes(self, current: Self) -> bool {
        self.rank() > current.rank()
    }

    /// Whether no further receipt needs to be waited or asked for. Stronger evidence may still arrive.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Failed | Self::Undelivered | Self::Delivered | Self::Read)
    }

    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Canceled => "canceled",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no delivery status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such delivery status")]
pub struct UnknownStatus;

impl FromStr for DeliveryStatus {
    type Err = UnknownStatus;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(UnknownStatus)
    }
}
