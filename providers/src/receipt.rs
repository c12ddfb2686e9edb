//! A provider's word on what became of a message we sent.
//!
//! The callback URL carries our own reference, so a receipt finds its message even when it arrives before the answer
//! to the send, or when that answer never arrived.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{DeliveryStatus, Failure};

/// Query parameter of a callback URL that names our message.
pub const MESSAGE_REF: &str = "message_ref";

/// One delivery receipt. Apply it only where [`DeliveryStatus::supersedes`] says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// The reported state.
    pub status: DeliveryStatus,
    /// The provider's own word for the state.
    pub raw_status: String,
    /// Why it was not delivered, if it was not.
    pub failure: Option<Failure>,
    /// When it happened, if the provider says so in a way that can be relied on.
    pub at: Option<DateTime<Utc>>,
    /// Our message, from the callback URL. Trust it only after `verify`, which covers the URL, and only within the
    /// tenant that owns the account.
    pub message_ref: Option<String>,
}

/// The callback URL for one message: `base` with our reference in its query.
#[must_use]
pub fn callback_url(base: &Url, message_ref: &str) -> Url {
    let mut url = base.clone();
    url.query_pairs_mut().append_pair(MESSAGE_REF, message_ref);
    url
}
