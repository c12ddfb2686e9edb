//! What the webhooks of providers promise.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};
use diesel_async::RunQueryDsl;
use patchbay_jobs::messages::ApplyReceipts;
use patchbay_jobs::webhook::Webhook;
use patchbay_providers::twilio;
use poem::{
    Request,
    http::{Method, StatusCode},
};

use crate::harness::{Reply, TestApi};
use crate::provider_accounts::{TOKEN, account};

const FORM: &str =
    "MessageSid=SM0123456789abcdef0123456789abcdef&MessageStatus=delivered&To=%2B12025550123&From=%2B12025550100";

fn pairs(form: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

/// A callback to `target`, signed for `url`.
async fn call(api: &TestApi, target: &str, url: &str, token: &str, form: &str, headers: &[(&str, &str)]) -> Reply {
    let pairs = pairs(form);
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let signature = twilio::sign(&token.to_owned().into(), url, &pairs);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(target.parse().unwrap())
        .content_type("application/x-www-form-urlencoded")
        .header(twilio::SIGNATURE_HEADER, signature);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    api.raw(request.body(form.to_owned())).await
}

/// What a tenant's jobs of a kind carry.
async fn payloads(api: &TestApi, kind: &str) -> Vec<Vec<u8>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        payload: Vec<u8>,
    }
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    let jobs = diesel::sql_query("SELECT payload FROM queue.jobs WHERE kind = $1").bind::<Text, _>(kind);
    let rows: Vec<Row> = jobs.load(&mut *tx).await.unwrap();
    rows.into_iter().map(|row| row.payload).collect()
}

/// The webhooks that a tenant's receipts carry, by job.
async fn stored(api: &TestApi) -> Vec<Vec<Webhook>> {
    let payloads = payloads(api, "messages.receipt").await;
    payloads.iter().map(|payload| serde_json::from_slice::<ApplyReceipts>(payload).unwrap().webhooks).collect()
}

#[tokio::test]
async fn a_signed_receipt_is_stored_with_its_job() {
    let api = TestApi::new().await;
    let id = account(&api, &api.a.key).await;
    let target = format!("/v1/webhooks/twilio/{id}/status?message_ref=msg_01h455vb4pex5vsknk084sn02q");
    let reply = call(&api, &target, &format!("http://127.0.0.1:8080{target}"), TOKEN, FORM, &[]).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let stored = stored(&api).await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0][0].query, "message_ref=msg_01h455vb4pex5vsknk084sn02q");
    assert_eq!(stored[0][0].body, FORM.as_bytes());
}

#[tokio::test]
async fn an_inbound_message_is_answered_with_empty_twiml() {
    let api = TestApi::new().await;
    let target = format!("/v1/webhooks/twilio/{}/inbound", account(&api, &api.a.key).await);
    let form = "MessageSid=SM1&From=%2B12025550123&To=%2B12025550100&Body=STOP";
    let reply = call(&api, &target, &format!("http://127.0.0.1:8080{target}"), TOKEN, form, &[]).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, "<Response/>"));
    assert_eq!(reply.header("content-type"), "text/xml");
    let payloads = payloads(&api, "messages.inbound").await;
    assert_eq!(payloads.len(), 1);
    let payload = std::str::from_utf8(&payloads[0]).unwrap();
    assert!(payload.contains("sealed") && !payload.contains("STOP"), "who may list jobs may not read texts: {payload}");
}

#[tokio::test]
async fn a_wrong_signature_stores_nothing() {
    let api = TestApi::new().await;
    let target = format!("/v1/webhooks/twilio/{}/status", account(&api, &api.a.key).await);
    let url = format!("http://127.0.0.1:8080{target}");
    for (token, url) in [("another token", url.as_str()), (TOKEN, "http://elsewhere.example/")] {
        let reply = call(&api, &target, url, token, FORM, &[]).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "invalid_signature"), "{}", reply.text);
    }
    let unsigned = Request::builder().method(Method::POST).uri(target.parse().unwrap()).body(FORM);
    assert_eq!(api.raw(unsigned).await.status, StatusCode::FORBIDDEN);
    assert_eq!(stored(&api).await, Vec::<Vec<Webhook>>::new());
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_forwarded_address_is_the_signed_one() {
    let headers = [("x-forwarded-proto", "https"), ("x-forwarded-host", "crm.example.com")];
    for (trusted, status) in [("true", StatusCode::NO_CONTENT), ("false", StatusCode::FORBIDDEN)] {
        let api = TestApi::with(&[("PATCHBAY__API__TRUST_FORWARDED", trusted)]).await;
        let target = format!("/v1/webhooks/twilio/{}/status", account(&api, &api.a.key).await);
        let url = format!("https://crm.example.com{target}");
        assert_eq!(call(&api, &target, &url, TOKEN, FORM, &headers).await.status, status, "trusted: {trusted}");
    }
}

#[tokio::test]
async fn an_unknown_account_and_a_body_over_the_limit_are_refused() {
    let api = TestApi::new().await;
    let target = "/v1/webhooks/twilio/pac_01h455vb4pex5vsknk084sn02q/status";
    let reply = call(&api, target, &format!("http://127.0.0.1:8080{target}"), TOKEN, FORM, &[]).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::NOT_FOUND, "not_found"));
    let target = format!("/v1/webhooks/twilio/{}/status", account(&api, &api.a.key).await);
    let large = format!("Body={}", "x".repeat(65 * 1024));
    let reply = call(&api, &target, &format!("http://127.0.0.1:8080{target}"), TOKEN, &large, &[]).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"), "{}", reply.text);
}

#[tokio::test]
async fn receipts_that_come_together_share_transactions_and_none_is_lost() {
    let api = TestApi::new().await;
    let target = format!("/v1/webhooks/twilio/{}/status", account(&api, &api.a.key).await);
    let url = format!("http://127.0.0.1:8080{target}");
    let calls = (0..100).map(|_| call(&api, &target, &url, TOKEN, FORM, &[]));
    for reply in futures_util::future::join_all(calls).await {
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
    }
    let stored = stored(&api).await;
    assert_eq!(stored.iter().flatten().count(), 100);
    assert!(stored.len() < 100, "{} jobs", stored.len());
}

#[tokio::test]
async fn a_token_that_was_just_changed_is_known_at_once() {
    let api = TestApi::new().await;
    let id = account(&api, &api.a.key).await;
    let target = format!("/v1/webhooks/twilio/{id}/status");
    let url = format!("http://127.0.0.1:8080{target}");
    assert_eq!(call(&api, &target, &url, TOKEN, FORM, &[]).await.status, StatusCode::NO_CONTENT);
    let settings = serde_json::json!({ "account_sid": crate::provider_accounts::SID, "auth_token": "new" });
    api.patch(&format!("/v1/provider_accounts/{id}"), &api.a.key, &serde_json::json!({ "settings": settings })).await;
    assert_eq!(call(&api, &target, &url, "new", FORM, &[]).await.status, StatusCode::NO_CONTENT);
    assert_eq!(call(&api, &target, &url, TOKEN, FORM, &[]).await.status, StatusCode::FORBIDDEN);
}
