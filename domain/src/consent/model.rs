//! What is said about consent.

use patchbay_db::ids::MessageId;

use crate::contacts::ChannelKind;
use crate::words::words;

words! {
    /// Whether one may write to an address.
    ConsentState {
        /// Nobody has said.
        Unknown = "unknown",
        /// The person agreed.
        OptedIn = "opted_in",
        /// The person declined.
        OptedOut = "opted_out",
    }
}

words! {
    /// What a person said.
    ConsentAction {
        /// They agree.
        OptIn = "opt_in",
        /// They decline.
        OptOut = "opt_out",
    }
}

impl ConsentAction {
    /// The state that follows.
    #[must_use]
    pub const fn state(self) -> ConsentState {
        match self {
            Self::OptIn => ConsentState::OptedIn,
            Self::OptOut => ConsentState::OptedOut,
        }
    }
}

/// One line for the ledger.
#[derive(Debug, Clone)]
pub struct ConsentChange {
    /// Consent is given per channel.
    pub channel: ChannelKind,
    /// E.164 or an e-mail address.
    pub address: String,
    /// What was said.
    pub action: ConsentAction,
    /// Where it was said: `api`, `sms_keyword`, `web form 2026-03`.
    pub source: String,
    /// The words, a link, anything that proves it.
    pub evidence: Option<String>,
    /// The message in which it was said.
    pub message_id: Option<MessageId>,
}
