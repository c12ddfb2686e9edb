//! Questions about messages the provider may already have.
//!
//! Twilio, like most SMS providers, has no idempotency key: after a lost answer the only way to know whether a message
//! went out is to list what was sent to that person and compare. The comparison errs towards "found": taking
//! somebody else's equal text for ours loses nothing but a receipt, the opposite error texts a person twice.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::{DeliveryStatus, Failure, Sender, Text};

/// What an uncertain send would have produced.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// E.164 number it was sent to.
    pub to: String,
    /// The sender it was sent from.
    pub from: Sender,
    /// What it said.
    pub body: Text,
    /// When the attempt began, by our clock. The provider module allows for clocks that differ.
    pub after: DateTime<Utc>,
    /// When this question is asked, by our clock; not when the attempt gave up: the provider may have been slower.
    pub before: DateTime<Utc>,
    /// Provider ids that already belong to other messages of ours.
    pub exclude: HashSet<String>,
    /// W3C `traceparent` of the job.
    pub traceparent: Option<String>,
}

/// How well a found message's text agrees with ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyMatch {
    /// The texts are the same, but for changes that the provider is known to make.
    Same,
    /// The provider does not keep texts for this account: person, sender and time agree, and that is all there is.
    Hidden,
}

/// A message at the provider that may be the one looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundMessage {
    /// Its state.
    pub state: MessageState,
    /// How well it agrees.
    pub body: BodyMatch,
}

/// The state of a message at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageState {
    /// The provider's id of the message.
    pub provider_message_id: String,
    /// Its state.
    pub status: DeliveryStatus,
    /// The provider's own word for the state.
    pub raw_status: String,
    /// Why it was not delivered, if it was not.
    pub failure: Option<Failure>,
    /// Segments charged; none while undecided.
    pub segments: Option<u32>,
    /// The address it was really sent from; none while a pool has not picked one.
    pub from: Option<String>,
    /// When the provider took it.
    pub created_at: Option<DateTime<Utc>>,
    /// When the provider handed it on.
    pub sent_at: Option<DateTime<Utc>>,
    /// When the state last changed.
    pub updated_at: Option<DateTime<Utc>>,
}
