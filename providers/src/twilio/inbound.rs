//! Reads a text that a person sent to one of our Twilio numbers.
//!
//! `OptOutType` is set only when Twilio's own opt-out handling took the message for a keyword and has already answered
//! it; answering again would text a person who just asked us to stop.

use crate::{InboundMessage, Media, ParseError, WebhookRequest, form, sms::keywords::Keyword, webhook::required};

/// Most media that Twilio attaches to one message.
const MAX_MEDIA: usize = 10;

pub fn parse(request: &WebhookRequest) -> Result<InboundMessage, ParseError> {
    let pairs = form::parse(&request.body);
    let text = |name: &str| form::text(&pairs, name).filter(|value| !value.is_empty());
    let media_count = text("NumMedia").and_then(|count| count.parse().ok()).unwrap_or(0usize).min(MAX_MEDIA);
    Ok(InboundMessage {
        provider_message_id: required(text("MessageSid").or_else(|| text("SmsMessageSid")), "MessageSid")?,
        from: required(text("From"), "From")?,
        to: required(text("To"), "To")?,
        // An absent body is not an empty one: receipts have none, and must not become messages.
        body: form::text(&pairs, "Body").ok_or(ParseError::MissingField("Body"))?.into(),
        media: (0..media_count)
            .filter_map(|at| {
                let url = text(&format!("MediaUrl{at}"))?;
                Some(Media { url, content_type: text(&format!("MediaContentType{at}")) })
            })
            .collect(),
        segments: text("NumSegments").and_then(|count| count.parse().ok()),
        answered_keyword: text("OptOutType").and_then(|kind| match kind.as_str() {
            "STOP" => Some(Keyword::Stop),
            "START" => Some(Keyword::Start),
            "HELP" => Some(Keyword::Help),
            _ => None,
        }),
    })
}
