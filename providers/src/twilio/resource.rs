//! Twilio's message resource, as far as we read it.
//!
//! Fields other than the id and status are optional and lenient (numbers come as text in some of them, and a missing
//! date must not make a sent message unreadable). No `Debug`: it holds the body.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{errors, status};
use crate::{Accepted, DeliveryStatus, MessageState};

#[derive(Deserialize)]
pub struct MessageResource {
    pub sid: String,
    pub status: String,
    pub num_segments: Option<Value>,
    pub error_code: Option<Value>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub body: Option<String>,
    pub direction: Option<String>,
    pub messaging_service_sid: Option<String>,
    pub date_created: Option<String>,
    pub date_sent: Option<String>,
    pub date_updated: Option<String>,
}

/// One page of a list.
#[derive(Deserialize)]
pub struct MessagePage {
    pub messages: Vec<MessageResource>,
    pub next_page_uri: Option<String>,
}

impl MessageResource {
    /// A status new to us claims the least: that Twilio has the message.
    fn delivery(&self) -> DeliveryStatus {
        status::parse(&self.status).unwrap_or(DeliveryStatus::Accepted)
    }

    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.date_created.as_deref().and_then(date)
    }

    pub fn into_accepted(self) -> Accepted {
        Accepted {
            status: self.delivery(),
            segments: self.num_segments.as_ref().and_then(segments),
            failure: self.error_code.as_ref().and_then(number).and_then(errors::explain),
            provider_message_id: self.sid,
            raw_status: self.status,
        }
    }

    pub fn into_state(self) -> MessageState {
        MessageState {
            created_at: self.created_at(),
            sent_at: self.date_sent.as_deref().and_then(date),
            updated_at: self.date_updated.as_deref().and_then(date),
            from: self.from.clone().filter(|from| !from.is_empty()),
            status: self.delivery(),
            segments: self.num_segments.as_ref().and_then(segments),
            failure: self.error_code.as_ref().and_then(number).and_then(errors::explain),
            provider_message_id: self.sid,
            raw_status: self.status,
        }
    }
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => number.as_u64()?.try_into().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A Messaging Service reports 0 segments until it has picked a sender.
fn segments(value: &Value) -> Option<u32> {
    number(value).filter(|segments| *segments > 0)
}
