//! A message as Twilio's JSON shows it.

use poem::Response;
use poem::http::StatusCode;
use serde::Serialize;

use crate::clock::rfc2822;
use crate::message::{Direction, Message, Progress, Status};

/// The version of the API, part of every answer.
pub(crate) const API_VERSION: &str = "2010-04-01";

/// A Message resource.
#[derive(Serialize)]
pub(crate) struct Resource<'a> {
    account_sid: &'a str,
    api_version: &'static str,
    body: &'a str,
    date_created: String,
    date_sent: Option<String>,
    date_updated: String,
    direction: &'static str,
    error_code: Option<u32>,
    error_message: Option<&'static str>,
    from: Option<&'a str>,
    messaging_service_sid: Option<&'a str>,
    num_media: &'static str,
    num_segments: String,
    price: Option<()>,
    price_unit: Option<&'static str>,
    sid: String,
    status: &'static str,
    subresource_uris: Subresources,
    to: &'a str,
    uri: String,
}

#[derive(Serialize)]
struct Subresources {
    media: String,
}

impl<'a> Resource<'a> {
    /// The message as it is now.
    pub(crate) fn new(account: &'a str, message: &'a Message) -> Self {
        Self::at(account, message, message.progress())
    }

    /// The message as it was when it was accepted, whatever happened to it since.
    pub(crate) fn accepted(account: &'a str, message: &'a Message) -> Self {
        let progress =
            Progress { status: message.draft.status, error_code: None, sent_ms: None, updated_ms: message.created_ms };
        Self::at(account, message, progress)
    }

    fn at(account: &'a str, message: &'a Message, progress: Progress) -> Self {
        let path = format!("/{API_VERSION}/Accounts/{account}/Messages/{}", message.sid);
        let draft = &message.draft;
        // A Messaging Service has not chosen its sender yet when it accepts.
        let from = (progress.status != Status::Accepted).then_some(&*draft.from);
        Self {
            account_sid: account,
            api_version: API_VERSION,
            body: &draft.body,
            date_created: rfc2822(message.created_ms),
            date_sent: progress.sent_ms.map(rfc2822),
            date_updated: rfc2822(progress.updated_ms),
            direction: draft.direction.as_str(),
            error_code: progress.error_code,
            error_message: progress.error_code.map(meaning),
            from,
            messaging_service_sid: draft.service.as_deref(),
            num_media: "0",
            num_segments: draft.segments.to_string(),
            price: None,
            price_unit: (draft.direction != Direction::Inbound).then_some("USD"),
            sid: message.sid.to_string(),
            status: progress.status.as_str(),
            subresource_uris: Subresources { media: format!("{path}/Media.json") },
            to: &draft.to,
            uri: format!("{path}.json"),
        }
    }
}

/// The sentence that goes with a delivery error.
fn meaning(code: u32) -> &'static str {
    match code {
        30_001 => "Queue overflow",
        30_002 => "Account suspended",
        30_003 => "Unreachable destination handset",
        30_004 => "Message blocked",
        30_005 => "Unknown destination handset",
        30_006 => "Landline or unreachable carrier",
        30_007 => "Message filtered",
        30_036 => "Validity Period Expired",
        _ => "Unknown error",
    }
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("plain structs of strings and numbers always serialize");
    Response::builder().status(status).content_type("application/json").body(body)
}
