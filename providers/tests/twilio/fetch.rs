//! `fetch` gives reconciliation the present state of a message, or says that Twilio has none such.

use patchbay_providers::{DeliveryStatus, ErrorClass, Provider};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn the_state_comes_with_its_reason_and_times() {
    let changes = json!({
        "status": "undelivered", "error_code": 30003, "num_segments": 2, "date_sent": "Fri, 20 Nov 2026 10:00:02 +0000",
    });
    let fake = Fake::start(vec![reply(200, &resource(&changes))]).await;
    let state = fake.twilio().fetch(&account(), MESSAGE_SID).await.unwrap().unwrap();
    assert_eq!((state.status, state.raw_status.as_str()), (DeliveryStatus::Undelivered, "undelivered"));
    assert_eq!(state.failure.unwrap().code, "30003");
    assert_eq!(state.segments, Some(2));
    assert_eq!(state.sent_at, Some("2026-11-20T10:00:02Z".parse().unwrap()));
    assert_eq!(
        fake.seen()[0].line,
        format!("GET /2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{MESSAGE_SID}.json HTTP/1.1")
    );
}

#[tokio::test]
async fn a_message_that_twilio_does_not_have_is_none() {
    let fake = Fake::start(vec![reply(404, &json!({"code": 20404}))]).await;
    assert_eq!(fake.twilio().fetch(&account(), MESSAGE_SID).await.unwrap(), None);
}

#[tokio::test]
async fn an_id_that_cannot_be_twilios_is_none_without_asking() {
    let fake = Fake::start(vec![reply(200, &resource(&json!({})))]).await;
    for id in ["", "SM1", "../../Calls/CA1", "AC00000000000000000000000000000001"] {
        assert_eq!(fake.twilio().fetch(&account(), id).await.unwrap(), None, "{id}");
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn trouble_is_an_error_to_retry() {
    let fake = Fake::start(vec![Reply::Drop]).await;
    let error = fake.twilio().fetch(&account(), MESSAGE_SID).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Retryable);
}
