//! Twilio Programmable Messaging, SMS.
//!
//! Contract: API version 2010-04-01, form-encoded requests, basic authentication, JSON answers. There is no
//! idempotency key, which is why `look_up` exists. Receipts and inbound messages come as form posts signed with the
//! account's auth token, also when requests are authenticated with an API key.

mod call;
mod config;
mod error_table;
mod errors;
mod fetch;
mod inbound;
mod look_up;
mod rate;
mod receipt;
mod resource;
mod send;
mod signature;
mod status;
mod text_match;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Client;

use crate::{
    Accepted, Account, ConfigSchema, FoundMessage, HttpSettings, InboundMessage, LookUp, MessageState, OutboundMessage,
    ParseError, Provider, ProviderError, ProviderKind, Receipt, SendRate, Sender, SignatureError, WebhookRequest,
};

pub use config::{CONFIG, is_messaging_service};
pub use error_table::ERRORS;
pub use errors::{ErrorEntry, entry, explain};
pub use signature::{SIGNATURE_HEADER, sign};

/// Where Twilio's API is.
pub const BASE_URL: &str = "https://api.twilio.com";

/// Twilio, reached through a shared client.
#[derive(Debug, Clone)]
pub struct Twilio {
    client: Client,
    settings: HttpSettings,
}

impl Twilio {
    /// The client must be built as [`HttpSettings`] says.
    #[must_use]
    pub const fn new(client: Client, settings: HttpSettings) -> Self {
        Self { client, settings }
    }
}

#[async_trait]
impl Provider for Twilio {
    fn kind(&self) -> ProviderKind {
        ProviderKind::Twilio
    }

    fn config_schema(&self) -> &'static ConfigSchema {
        &CONFIG
    }

    fn default_rate(&self, sender: &Sender) -> SendRate {
        rate::default_rate(sender.kind)
    }

    fn settle_time(&self) -> Duration {
        // Not documented by Twilio: as long again as we wait for an answer covers a request that was slow, not lost.
        self.settings.total_timeout
    }

    async fn send(&self, account: &Account, message: &OutboundMessage) -> Result<Accepted, ProviderError> {
        send::send(self, account, message).await
    }

    async fn look_up(&self, account: &Account, wanted: &LookUp) -> Result<Vec<FoundMessage>, ProviderError> {
        look_up::look_up(self, account, wanted).await
    }

    async fn fetch(&self, account: &Account, provider_message_id: &str) -> Result<Option<MessageState>, ProviderError> {
        fetch::fetch(self, account, provider_message_id).await
    }

    fn verify(&self, account: &Account, request: &WebhookRequest) -> Result<(), SignatureError> {
        signature::verify(account, request)
    }

    fn parse_inbound(&self, request: &WebhookRequest) -> Result<Vec<InboundMessage>, ParseError> {
        inbound::parse(request).map(|message| vec![message])
    }

    fn parse_status(&self, request: &WebhookRequest) -> Result<Vec<Receipt>, ParseError> {
        receipt::parse(request).map(|receipt| vec![receipt])
    }
}
