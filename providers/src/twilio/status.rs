//! Twilio's words for a message's state.
//!
//! `queued` at Twilio is `accepted` to us: our own `queued` means that no provider has it yet. Inbound states are not
//! in the list, so that an inbound webhook posted to the receipt URL is refused rather than applied.

use crate::DeliveryStatus;

/// Our status for Twilio's; none for words that are new or belong to inbound messages.
pub fn parse(raw: &str) -> Option<DeliveryStatus> {
    Some(match raw {
        "accepted" | "scheduled" | "queued" => DeliveryStatus::Accepted,
        "canceled" => DeliveryStatus::Canceled,
        "sending" => DeliveryStatus::Sending,
        // Some recipients of a group have it: not yet a delivery.
        "sent" | "partially_delivered" => DeliveryStatus::Sent,
        "failed" => DeliveryStatus::Failed,
        "undelivered" => DeliveryStatus::Undelivered,
        "delivered" => DeliveryStatus::Delivered,
        "read" => DeliveryStatus::Read,
        _ => return None,
    })
}
