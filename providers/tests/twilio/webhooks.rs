//! Twilio's webhooks become our receipts and inbound messages, and one is never taken for the other.

use patchbay_providers::{
    DeliveryStatus, ErrorClass, InboundMessage, ParseError, Provider, Receipt, WebhookRequest, sms::keywords::Keyword,
};

use crate::support::*;

fn request(query: &str, body: &str) -> WebhookRequest {
    WebhookRequest {
        method: reqwest::Method::POST,
        urls: vec![format!("https://crm.example/hook{query}")],
        headers: reqwest::header::HeaderMap::new(),
        body: body.to_owned().into(),
    }
}

fn receipt(query: &str, body: &str) -> Result<Receipt, ParseError> {
    let mut receipts = twilio_at("http://127.0.0.1:1").parse_status(&request(query, body))?;
    assert_eq!(receipts.len(), 1);
    Ok(receipts.remove(0))
}

fn inbound(body: &str) -> Result<InboundMessage, ParseError> {
    let mut messages = twilio_at("http://127.0.0.1:1").parse_inbound(&request("", body))?;
    assert_eq!(messages.len(), 1);
    Ok(messages.remove(0))
}

const DELIVERED: &str = "AccountSid=AC1&From=%2B14155550100&MessageSid=SM9&MessageStatus=delivered\
    &RawDlrDoneDate=2611201000&SmsSid=SM9&SmsStatus=delivered&To=%2B14155550123";
const TEXT: &str = "AccountSid=AC1&Body=Hi+there%21+%F0%9F%99%82&From=%2B14155550123&MessageSid=SM8&NumMedia=0\
    &NumSegments=1&SmsMessageSid=SM8&SmsSid=SM8&SmsStatus=received&To=%2B14155550100";

#[test]
fn a_receipt_names_its_message_on_both_sides() {
    let receipt = receipt("?message_ref=msg_1", DELIVERED).unwrap();
    assert_eq!(receipt.provider_message_id, "SM9");
    assert_eq!(receipt.message_ref.as_deref(), Some("msg_1"));
    assert_eq!((receipt.status, receipt.raw_status.as_str()), (DeliveryStatus::Delivered, "delivered"));
    assert_eq!((receipt.failure, receipt.at), (None, None));
}

#[test]
fn a_receipt_without_our_reference_is_still_one() {
    assert_eq!(receipt("", DELIVERED).unwrap().message_ref, None);
    assert_eq!(receipt("?message_ref=", DELIVERED).unwrap().message_ref, None);
}

#[test]
fn a_failed_receipt_is_explained() {
    let receipt = receipt("", "MessageSid=SM9&MessageStatus=undelivered&ErrorCode=30005").unwrap();
    let failure = receipt.failure.unwrap();
    assert_eq!((failure.code.as_str(), failure.class), ("30005", ErrorClass::Permanent));
    assert!(failure.text.contains("30005"));
}

#[test]
fn twilios_words_become_our_states() {
    for (word, status) in [
        ("accepted", DeliveryStatus::Accepted),
        ("scheduled", DeliveryStatus::Accepted),
        ("queued", DeliveryStatus::Accepted),
        ("sending", DeliveryStatus::Sending),
        ("sent", DeliveryStatus::Sent),
        ("delivered", DeliveryStatus::Delivered),
        ("read", DeliveryStatus::Read),
        ("undelivered", DeliveryStatus::Undelivered),
        ("failed", DeliveryStatus::Failed),
        ("canceled", DeliveryStatus::Canceled),
    ] {
        let receipt = receipt("", &format!("MessageSid=SM9&MessageStatus={word}")).unwrap();
        assert_eq!(receipt.status, status, "{word}");
    }
}

#[test]
fn what_is_no_receipt_is_refused() {
    assert_eq!(receipt("", ""), Err(ParseError::MissingField("MessageStatus")));
    assert_eq!(receipt("", "MessageStatus=sent"), Err(ParseError::MissingField("MessageSid")));
    assert_eq!(receipt("", "MessageSid=SM9&MessageStatus=levitating"), Err(ParseError::UnknownStatus));
    assert_eq!(receipt("", TEXT), Err(ParseError::UnknownStatus), "an inbound message");
}

#[test]
fn an_inbound_message_is_read() {
    let message = inbound(TEXT).unwrap();
    assert_eq!(message.provider_message_id, "SM8");
    assert_eq!((message.from.as_str(), message.to.as_str()), ("+14155550123", "+14155550100"));
    assert_eq!(message.body.as_str(), "Hi there! 🙂");
    assert_eq!((message.segments, message.media.len(), message.answered_keyword), (Some(1), 0, None));
    assert!(!format!("{message:?}").contains("there"));
}

#[test]
fn a_picture_without_words_is_a_message() {
    let body =
        "MessageSid=MM8&From=a&To=b&Body=&NumMedia=2&MediaUrl0=https%3A%2F%2Fx%2F0&MediaContentType0=image%2Fpng";
    let message = inbound(body).unwrap();
    assert_eq!(message.body.as_str(), "");
    assert_eq!(message.media.len(), 1, "one that has no address is left out");
    assert_eq!(message.media[0].content_type.as_deref(), Some("image/png"));
}

#[test]
fn a_keyword_that_twilio_answered_is_marked() {
    let message = inbound("MessageSid=SM8&From=a&To=b&Body=stop&OptOutType=STOP").unwrap();
    assert_eq!(message.answered_keyword, Some(Keyword::Stop));
}

#[test]
fn what_is_no_inbound_message_is_refused() {
    assert_eq!(inbound(""), Err(ParseError::MissingField("MessageSid")));
    assert_eq!(inbound("MessageSid=SM8&To=b&Body=x"), Err(ParseError::MissingField("From")));
    assert_eq!(inbound(DELIVERED), Err(ParseError::MissingField("Body")), "a receipt");
}

#[test]
fn an_id_or_an_address_that_fits_no_index_is_refused() {
    let long = "9".repeat(321);
    let inbound = |sid: &str, from: &str| inbound(&format!("MessageSid={sid}&From={from}&To=b&Body=x"));
    assert_eq!(inbound(&long, "a"), Err(ParseError::TooLong("MessageSid")));
    assert_eq!(inbound("SM8", &long), Err(ParseError::TooLong("From")));
    let status = receipt("", &format!("MessageSid={long}&MessageStatus=sent"));
    assert_eq!(status, Err(ParseError::TooLong("MessageSid")));
}

#[test]
fn a_text_with_a_nul_can_be_stored() {
    let message = inbound("MessageSid=SM8&From=a%00&To=b&Body=STOP%00").unwrap();
    assert_eq!((message.body.as_str(), message.from.as_str()), ("STOP\u{fffd}", "a\u{fffd}"));
}

#[test]
fn a_text_that_is_not_utf8_is_kept_as_well_as_can_be() {
    assert_eq!(inbound("MessageSid=SM8&From=a&To=b&Body=caf%E9").unwrap().body.as_str(), "caf\u{fffd}");
}
