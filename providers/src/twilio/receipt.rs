//! Reads a delivery receipt.
//!
//! The time of the event is left open: Twilio's callback has only `RawDlrDoneDate`, which is the carrier's clock in an
//! unstated zone, to the minute. The receipt's arrival says more.

use super::{errors, status};
use crate::{MESSAGE_REF, ParseError, Receipt, WebhookRequest, form, webhook::required};

pub fn parse(request: &WebhookRequest) -> Result<Receipt, ParseError> {
    let pairs = form::parse(&request.body);
    let text = |name: &str| form::text(&pairs, name).filter(|value| !value.is_empty());
    let raw_status =
        text("MessageStatus").or_else(|| text("SmsStatus")).ok_or(ParseError::MissingField("MessageStatus"))?;
    Ok(Receipt {
        provider_message_id: required(text("MessageSid").or_else(|| text("SmsSid")), "MessageSid")?,
        status: status::parse(&raw_status).ok_or(ParseError::UnknownStatus)?,
        raw_status,
        failure: text("ErrorCode").and_then(|code| code.parse().ok()).and_then(errors::explain),
        at: None,
        message_ref: request.query(MESSAGE_REF).filter(|reference| !reference.is_empty()),
    })
}
