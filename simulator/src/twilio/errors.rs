//! Twilio's error answers: `{code, message, more_info, status}`, one table of them.
//!
//! Statuses and sentences follow <https://www.twilio.com/docs/api/errors> and answers seen in public. Clients must go by
//! the code: Twilio rewords the sentences. The HTTP status of 21611 (429) is known from secondary sources only.

use poem::http::{StatusCode, header};
use poem::{IntoResponse, Response};
use serde_json::json;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TwilioError {
    pub status: u16,
    pub code: u32,
    pub message: String,
}

impl TwilioError {
    /// The answer for `code`, about a send from `from` to `to`.
    pub(crate) fn of(code: u32, to: &str, from: &str) -> Self {
        let (status, sentence) = table(code);
        let message = sentence.replace("{to}", to).replace("{from}", from);
        Self { status, code, message }
    }

    /// The answer for `code` where no address belongs in the sentence.
    pub(crate) fn plain(code: u32) -> Self {
        Self::of(code, "", "")
    }

    /// 20001: a parameter that makes no sense.
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self { status: 400, code: 20_001, message: message.into() }
    }

    /// 20404: no such thing at this path.
    pub(crate) fn not_found(path: &str) -> Self {
        let message = format!("The requested resource {path} was not found");
        Self { status: 404, code: 20_404, message }
    }

    /// What the router or an extractor refused, in Twilio's form.
    pub(crate) fn from_routing(error: &poem::Error) -> Self {
        let code = match error.status().as_u16() {
            404 => 20_404,
            405 => 20_004,
            400..=499 => 20_001,
            _ => 20_500,
        };
        Self { status: error.status().as_u16(), code, message: error.to_string() }
    }
}

impl IntoResponse for TwilioError {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::builder().status(status).content_type("application/json");
        if self.status == 401 {
            response = response.header(header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\"");
        }
        response.body(body.to_string())
    }
}

fn table(code: u32) -> (u16, &'static str) {
    match code {
        20_003 => (401, "Authenticate"),
        20_004 => (405, "Method not allowed"),
        20_429 => (429, "Too Many Requests"),
        20_500 => (500, "An internal server error has occurred"),
        20_503 => (503, "Service unavailable"),
        21_211 => (400, "The 'To' number {to} is not a valid phone number."),
        21_212 => (400, "The 'From' number {from} is not a valid phone number, shortcode, or alphanumeric sender ID."),
        21_408 => {
            (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}.")
        }
        21_602 => (400, "Message body is required."),
        21_603 => (400, "A 'From' phone number is required."),
        21_604 => (400, "A 'To' phone number is required."),
        21_606 => (
            400,
            "The From phone number {from} is not a valid, SMS-capable inbound phone number or short code for your account.",
        ),
        21_609 => (400, "The StatusCallback URL is not a valid URL."),
        21_610 => (400, "Attempt to send to unsubscribed recipient"),
        21_611 => (429, "This 'From' number {from} has exceeded the maximum number of queued messages"),
        21_612 => {
            (400, "The 'To' phone number {to} is not currently reachable using the 'From' phone number {from} via SMS.")
        }
        21_614 => (400, "'To' number {to} is not a valid mobile number"),
        21_617 => (400, "The concatenated message body exceeds the 1600 character limit."),
        21_701 => (400, "The Messaging Service does not exist."),
        _ => (400, "The request was refused."),
    }
}
