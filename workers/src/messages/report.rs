//! From a provider's words to ours.

use patchbay_domain::messages::MessageState;
use patchbay_providers::{DeliveryStatus, ErrorClass, Failure, ProviderError, ProviderKind};

/// What a message is, by what its provider says of it.
pub(super) const fn state(status: DeliveryStatus) -> MessageState {
    match status {
        DeliveryStatus::Queued | DeliveryStatus::Accepted | DeliveryStatus::Sending | DeliveryStatus::Sent => {
            MessageState::Sent
        }
        DeliveryStatus::Failed | DeliveryStatus::Canceled => MessageState::Failed,
        DeliveryStatus::Undelivered => MessageState::Undelivered,
        DeliveryStatus::Delivered | DeliveryStatus::Read => MessageState::Delivered,
    }
}

/// The code of a failure that a receipt names: `twilio_30003`.
pub(super) fn failure_code(kind: ProviderKind, failure: &Failure) -> String {
    if failure.class == ErrorClass::OptedOut { OPTED_OUT.to_owned() } else { format!("{kind}_{}", failure.code) }
}

/// The code of an error that a call met.
pub(super) fn error_code(kind: ProviderKind, error: &ProviderError) -> String {
    match (error.class, &error.code, error.http_status) {
        (ErrorClass::OptedOut, _, _) => OPTED_OUT.to_owned(),
        (_, Some(code), _) => format!("{kind}_{code}"),
        (_, None, Some(status)) => format!("{kind}_http_{status}"),
        (_, None, None) => format!("{kind}_unreachable"),
    }
}

/// The code of everything that consent forbids.
pub(super) const OPTED_OUT: &str = "recipient_opted_out";
