//! What a status callback says.
//!
//! `ErrorCode` comes only with an error, `RawDlrDoneDate` only with a carrier's word, `MessagingServiceSid` only from a
//! service: receivers must sign what came, not a fixed list.

use super::courier::Callback;
use super::resource::API_VERSION;
use crate::account::Account;
use crate::clock::dlr_date;
use crate::message::{Message, Status};

/// The parameters of a status callback.
pub(crate) fn params(account: &Account, message: &Message, callback: &Callback) -> Vec<(&'static str, String)> {
    let outcome = callback.outcome;
    let (sid, status) = (message.sid.to_string(), outcome.status.as_str().to_owned());
    let mut params = vec![
        ("MessageSid", sid.clone()),
        ("MessageStatus", status.clone()),
        ("SmsSid", sid),
        ("SmsStatus", status),
        ("To", message.draft.to.to_string()),
        ("From", message.draft.from.to_string()),
        ("AccountSid", account.sid.to_string()),
        ("ApiVersion", API_VERSION.to_owned()),
    ];
    if let Some(code) = outcome.code {
        params.push(("ErrorCode", code.to_string()));
    }
    if matches!(outcome.status, Status::Delivered | Status::Undelivered) {
        params.push(("RawDlrDoneDate", dlr_date(callback.at_ms)));
    }
    if let Some(service) = &message.draft.service {
        params.push(("MessagingServiceSid", service.to_string()));
    }
    params
}
