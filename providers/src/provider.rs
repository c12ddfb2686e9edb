//! The interface that every provider implements and every caller uses.
//!
//! It is object-safe so that callers pick a provider by a value in a row. Parsing returns lists, because most providers
//! batch several receipts into one call even though Twilio does not. Each method does one exchange and reports how it
//! ended; the one way to break it is to retry inside: an uncertain send would then go out twice.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    Accepted, Account, ConfigSchema, FoundMessage, InboundMessage, LookUp, MessageState, OutboundMessage, ParseError,
    ProviderError, ProviderKind, Receipt, SendRate, Sender, SignatureError, WebhookRequest,
};

/// One messaging provider.
#[async_trait]
pub trait Provider: fmt::Debug + Send + Sync {
    /// Which provider this is.
    fn kind(&self) -> ProviderKind;

    /// The settings an account needs, and which of them are secret.
    fn config_schema(&self) -> &'static ConfigSchema;

    /// How fast a sender may send when nobody has set a limit for it.
    fn default_rate(&self, sender: &Sender) -> SendRate;

    /// How long after an uncertain send a look-up that finds nothing may be believed.
    ///
    /// Before this the provider may still be working on the request that we gave up on.
    fn settle_time(&self) -> Duration;

    /// Hands one message to the provider. Never retries.
    ///
    /// # Errors
    /// [`ErrorClass::Unknown`](crate::ErrorClass::Unknown) means that the provider may have the message: call
    /// [`look_up`](Self::look_up) before another attempt. Every other class means that it was not accepted.
    async fn send(&self, account: &Account, message: &OutboundMessage) -> Result<Accepted, ProviderError>;

    /// Finds the messages that an uncertain send may have produced, oldest first. Changes nothing.
    ///
    /// # Errors
    /// Any error means "not known", never "not there".
    async fn look_up(&self, account: &Account, wanted: &LookUp) -> Result<Vec<FoundMessage>, ProviderError>;

    /// Asks for the present state of one message; `None` when the provider does not know the id. Changes nothing.
    ///
    /// # Errors
    /// The provider could not be asked, or refused to answer.
    async fn fetch(&self, account: &Account, provider_message_id: &str) -> Result<Option<MessageState>, ProviderError>;

    /// Proves that a webhook came from this account at the provider. Must be called on the raw body before parsing.
    ///
    /// # Errors
    /// Why it is not proven. Callers answer all of them alike, so that an attacker learns nothing.
    fn verify(&self, account: &Account, request: &WebhookRequest) -> Result<(), SignatureError>;

    /// Reads messages that people sent to us.
    ///
    /// # Errors
    /// The request is not an inbound message of this provider.
    fn parse_inbound(&self, request: &WebhookRequest) -> Result<Vec<InboundMessage>, ParseError>;

    /// Reads delivery receipts for messages that we sent.
    ///
    /// # Errors
    /// The request is not a receipt of this provider, or has a status that this program does not know.
    fn parse_status(&self, request: &WebhookRequest) -> Result<Vec<Receipt>, ParseError>;
}
