//! One module per messaging provider behind one small interface.
//!
//! Callers (`api` for webhooks, `workers` for sends) hold an `Arc<dyn Provider>` from the [`Registry`] and never see a
//! wire format. Nothing here may touch the database, read the clock or retry by itself: a retry belongs to the job
//! that called, which alone knows whether the attempt was recorded. Adding a provider means one folder beside
//! `twilio/`, one [`ProviderKind`], and no change to the callers.

mod account;
mod config;
mod error;
mod form;
mod http;
mod look_up;
mod message;
mod provider;
mod public_url;
mod receipt;
mod registry;
mod sender;
pub mod sms;
mod status;
mod text;
pub mod twilio;
mod webhook;

pub use account::Account;
pub use config::{ConfigField, ConfigIssue, ConfigSchema, Shape};
pub use error::{ErrorClass, ErrorScope, Failure, ProviderError};
pub use http::HttpSettings;
pub use look_up::{BodyMatch, FoundMessage, LookUp, MessageState};
pub use message::{Accepted, OutboundMessage};
pub use provider::Provider;
pub use public_url::PublicUrl;
pub use receipt::{MESSAGE_REF, Receipt, callback_url};
pub use registry::{ProviderKind, Registry};
pub use sender::{SendRate, Sender, SenderKind};
pub use status::DeliveryStatus;
pub use text::Text;
pub use webhook::{InboundMessage, Media, ParseError, SignatureError, WebhookRequest};
