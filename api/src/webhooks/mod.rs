//! `/v1/webhooks`: what providers call. No key opens these; the provider's signature does.
//!
//! A webhook is verified, stored raw, and answered once it is committed: nothing of it is understood here, so an answer
//! takes as long as a transaction, and what cannot be read today can be read after a deploy. Webhooks that come
//! together share a transaction and a job (`intake.rs`). A provider that gets no 2xx calls again, and a repeat changes
//! nothing.

mod body;
mod intake;
mod twilio_inbound;
mod twilio_status;
mod twiml;

pub use intake::Intake;

/// The operations of this resource.
pub type Operations = (twilio_status::TwilioStatus, twilio_inbound::TwilioInbound);
