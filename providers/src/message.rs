//! A message on its way out, and what the provider said when it took it.
//!
//! It carries our own reference, because that is what the callback URL must name: a receipt can overtake the answer to
//! the send, and is then the only thing that ties the provider's id to our message.

use std::time::Duration;

use url::Url;

use crate::{DeliveryStatus, Failure, Sender, Text};

/// One message to hand to a provider.
#[derive(Debug, Clone)]
pub struct OutboundMessage {
    /// The message's id in our API, for logs; put it into [`status_callback`](Self::status_callback) too, with
    /// [`callback_url`](crate::callback_url).
    pub message_ref: String,
    /// E.164 number of the person.
    pub to: String,
    /// Who it comes from.
    pub from: Sender,
    /// What to say.
    pub body: Text,
    /// Where the provider reports what became of it; none when nobody listens.
    pub status_callback: Option<Url>,
    /// How long the message is worth sending; clamped to what the provider allows. None for the provider's longest.
    pub validity: Option<Duration>,
    /// W3C `traceparent` of the job, passed on to the provider's request.
    pub traceparent: Option<String>,
}

/// The provider has the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// Its state; [`DeliveryStatus::Failed`] when the provider took it and failed it at once.
    pub status: DeliveryStatus,
    /// The provider's own word for the state.
    pub raw_status: String,
    /// Segments it will be charged for; none while the provider has not decided.
    pub segments: Option<u32>,
    /// Why it failed at once, if it did.
    pub failure: Option<Failure>,
}
