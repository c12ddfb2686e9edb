//! What `send` asks for, and which class each way of failing gets: the class decides whether a person is texted twice.

use std::time::Duration;

use patchbay_providers::{DeliveryStatus, ErrorClass, ErrorScope, Provider, ProviderError, Sender, SenderKind};
use serde_json::json;

use crate::support::*;

async fn failure(reply: Reply) -> ProviderError {
    let fake = Fake::start(vec![reply]).await;
    let error = fake.twilio().send(&account(), &message()).await.unwrap_err();
    assert_eq!(fake.seen().len(), 1, "a send must never be repeated by the provider module");
    error
}

#[tokio::test]
async fn the_request_is_what_twilio_documents() {
    let fake = Fake::start(vec![reply(201, &resource(&json!({})))]).await;
    fake.twilio().send(&account(), &message()).await.unwrap();
    let seen = &fake.seen()[0];
    assert_eq!(seen.line, format!("POST /2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json HTTP/1.1"));
    let expected = [
        ("To", "+14155550123"),
        ("From", "+14155550100"),
        ("Body", BODY),
        ("StatusCallback", "https://crm.example/hook?message_ref=msg_1"),
        ("ValidityPeriod", "600"),
    ];
    assert_eq!(seen.form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let head = seen.head.to_ascii_lowercase();
    assert!(head.contains("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"), "{head}");
    assert_basic_auth(&seen.head, ACCOUNT_SID, TOKEN);
}

fn assert_basic_auth(head: &str, user: &str, password: &str) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let expected = STANDARD.encode(format!("{user}:{password}"));
    assert!(head.contains(&format!("Basic {expected}")), "{head}");
}

#[tokio::test]
async fn an_api_key_authenticates_while_the_path_names_the_account() {
    let key = "SK00000000000000000000000000000002";
    let account = account_with(&json!({
        "account_sid": ACCOUNT_SID, "auth_token": TOKEN, "api_key_sid": key, "api_key_secret": "key-secret",
    }));
    let fake = Fake::start(vec![reply(201, &resource(&json!({})))]).await;
    fake.twilio().send(&account, &message()).await.unwrap();
    let seen = &fake.seen()[0];
    assert!(seen.line.contains(ACCOUNT_SID));
    assert_basic_auth(&seen.head, key, "key-secret");
}

#[tokio::test]
async fn a_pool_is_named_as_a_messaging_service_and_validity_is_clamped() {
    let pool = "MG00000000000000000000000000000003";
    let fake = Fake::start(vec![reply(201, &resource(&json!({"status": "accepted", "num_segments": "0"})))]).await;
    let mut message = message();
    message.from = Sender { kind: SenderKind::Pool, address: pool.to_owned() };
    message.validity = Some(Duration::from_secs(90_000));
    let accepted = fake.twilio().send(&account(), &message).await.unwrap();
    let form = fake.seen()[0].form();
    assert!(form.contains(&("MessagingServiceSid".to_owned(), pool.to_owned())));
    assert!(form.contains(&("ValidityPeriod".to_owned(), "36000".to_owned())));
    assert!(form.iter().all(|(name, _)| name != "From"));
    assert_eq!(accepted.segments, None, "0 means undecided");
}

#[tokio::test]
async fn an_accepted_message_has_its_id_state_and_segments() {
    let fake = Fake::start(vec![reply(201, &resource(&json!({"num_segments": "3"})))]).await;
    let accepted = fake.twilio().send(&account(), &message()).await.unwrap();
    assert_eq!(accepted.provider_message_id, MESSAGE_SID);
    assert_eq!((accepted.status, accepted.raw_status.as_str()), (DeliveryStatus::Accepted, "queued"));
    assert_eq!((accepted.segments, accepted.failure), (Some(3), None));
}

#[tokio::test]
async fn a_message_that_fails_at_once_says_why() {
    let failed = resource(&json!({"status": "failed", "error_code": 30001}));
    let fake = Fake::start(vec![reply(201, &failed)]).await;
    let accepted = fake.twilio().send(&account(), &message()).await.unwrap();
    assert_eq!(accepted.status, DeliveryStatus::Failed);
    assert_eq!(accepted.failure.unwrap().class, ErrorClass::Throttled);
}

#[tokio::test]
async fn whatever_breaks_after_the_request_was_written_is_unknown() {
    for (name, reply) in [
        ("closed without an answer", Reply::Drop),
        ("no answer in time", Reply::Hang),
        ("answer cut off", Reply::HeadOnly(201)),
        ("not JSON", Reply::Answer(201, "", "<html>".to_owned())),
        ("JSON of another shape", reply(200, &json!({"ok": true}))),
        ("500", reply(500, &json!({"code": 20500}))),
        ("502 from an edge", Reply::Answer(502, "", "<html>".to_owned())),
        ("503 that asks to wait", Reply::Answer(503, "retry-after: 3\r\n", String::new())),
    ] {
        assert_eq!(failure(reply).await.class, ErrorClass::Unknown, "{name}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_unknown_and_not_tried_again() {
    let first = Reply::KeepAlive(201, resource(&json!({})).to_string());
    let fake = Fake::start(vec![first, Reply::Drop]).await;
    let twilio = fake.twilio();
    twilio.send(&account(), &message()).await.unwrap();
    let error = twilio.send(&account(), &message()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Unknown);
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn a_connection_that_was_refused_is_safe_to_try_again() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = twilio_at(&url).send(&account(), &message()).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Retryable);
}

#[tokio::test]
async fn refusals_are_classed_by_twilios_code() {
    for (status, code, class, scope) in [
        (400, 21211, ErrorClass::Permanent, ErrorScope::Recipient),
        (400, 21610, ErrorClass::OptedOut, ErrorScope::Recipient),
        (400, 21408, ErrorClass::Permanent, ErrorScope::Region),
        (400, 21606, ErrorClass::Permanent, ErrorScope::Sender),
        (401, 20003, ErrorClass::AuthFailed, ErrorScope::Account),
        (404, 20404, ErrorClass::AuthFailed, ErrorScope::Account),
        (429, 20429, ErrorClass::Throttled, ErrorScope::Account),
        (429, 21611, ErrorClass::Throttled, ErrorScope::Sender),
        (400, 21611, ErrorClass::Throttled, ErrorScope::Sender),
        (400, 29_999, ErrorClass::Permanent, ErrorScope::Message),
    ] {
        let error = failure(reply(status, &json!({"code": code, "message": "no"}))).await;
        assert_eq!((error.class, error.scope), (class, scope), "{code}");
        assert_eq!((error.code, error.http_status), (Some(code.to_string()), Some(status)), "{code}");
    }
}

#[tokio::test]
async fn refusals_without_a_code_are_classed_by_status() {
    for (status, class) in [
        (400, ErrorClass::Permanent),
        (401, ErrorClass::AuthFailed),
        (403, ErrorClass::AuthFailed),
        (408, ErrorClass::Unknown),
        (409, ErrorClass::Retryable),
        (429, ErrorClass::Throttled),
    ] {
        let error = failure(Reply::Answer(status, "", "<html>".to_owned())).await;
        assert_eq!((error.class, error.code), (class, None), "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = failure(Reply::Answer(307, "location: http://127.0.0.1:1/\r\n", String::new())).await;
    assert_eq!((error.class, error.scope), (ErrorClass::Permanent, ErrorScope::Account));
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let told = failure(Reply::Answer(429, "retry-after: 7\r\n", json!({"code": 20429}).to_string())).await;
    assert_eq!(told.retry_after, Some(Duration::from_secs(7)));
    let guessed = failure(reply(429, &json!({"code": 20429}))).await;
    assert_eq!(guessed.retry_after, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn an_incomplete_account_is_refused_without_a_request() {
    let fake = Fake::start(vec![reply(201, &resource(&json!({})))]).await;
    for settings in [
        json!({"auth_token": TOKEN}),
        json!({"account_sid": ACCOUNT_SID}),
        json!({"account_sid": "AC1/../../evil", "auth_token": TOKEN}),
    ] {
        let error = fake.twilio().send(&account_with(&settings), &message()).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::AuthFailed);
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn errors_and_debug_show_neither_number_nor_text_nor_secret() {
    let telling = json!({"code": 21211, "message": format!("+14155550123 and {TOKEN} and {BODY}")});
    let mut shown = format!("{:?} {:?}", message().body, account());
    for reply in [reply(400, &telling), Reply::Drop, Reply::Answer(201, "", telling.to_string())] {
        let error = failure(reply).await;
        shown += &format!("{error} {error:?}");
    }
    for private in ["+14155550123", TOKEN, "viewing"] {
        assert!(!shown.contains(private), "{private} in {shown}");
    }
}
