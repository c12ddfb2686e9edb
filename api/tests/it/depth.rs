//! The door: a tenant with too much waiting is told so, and nobody else is.

use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::{
    harness::{Reply, SYSTEM_KEY, TestApi},
    provider_accounts::account,
};

async fn send(api: &TestApi, key: &str, idempotent: Option<&str>) -> Reply {
    let body = json!({ "to": "+12025550123", "body": "hello" });
    let headers: Vec<_> = idempotent.map(|key| ("idempotency-key", key)).into_iter().collect();
    api.send(Method::POST, "/v1/messages", Some(key), Some(&body), &headers).await
}

fn assert_full(reply: &Reply) {
    assert_eq!((reply.status, reply.code()), (StatusCode::TOO_MANY_REQUESTS, "queue_full"), "{}", reply.text);
    assert!(reply.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(reply.body["retryable"], true);
}

#[tokio::test]
async fn every_way_in_is_closed_once_as_much_waits_as_may() {
    let api = TestApi::with(&[("PATCHBAY__QUEUE__TENANT_DEPTH", "2")]).await;
    for key in [&api.a.key, &api.b.key] {
        account(&api, key).await;
    }
    assert_eq!(send(&api, &api.a.key, None).await.status, StatusCode::ACCEPTED);
    assert_eq!(send(&api, &api.a.key, Some("first")).await.status, StatusCode::ACCEPTED);
    assert_full(&send(&api, &api.a.key, None).await);
    assert_full(&send(&api, &api.a.key, Some("second")).await);
    let batch = json!({ "messages": [{ "to": "+12025550123", "body": "x" }] });
    assert_full(&api.post("/v1/messages/batch", &api.a.key, &batch).await);
    let replayed = send(&api, &api.a.key, Some("first")).await;
    assert_eq!(replayed.status, StatusCode::ACCEPTED, "what was answered is answered again");
    assert_eq!(send(&api, &api.b.key, None).await.status, StatusCode::ACCEPTED, "others have room of their own");
    let listed = api.get("/v1/messages", &api.a.key).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2, "nothing of a refused call is kept");
}

#[tokio::test]
async fn an_import_is_not_started_into_a_full_queue() {
    let api = TestApi::with(&[("PATCHBAY__QUEUE__TENANT_DEPTH", "1")]).await;
    let mapping = json!({ "mapping": [{ "column": "phone", "field": "phone" }] });
    let mut replies = Vec::new();
    for _ in 0..2 {
        let import = crate::imports::upload(&api, &api.a.key, "phone\n+12025550143\n", None).await;
        let path = format!("/v1/imports/{}/start", import.body["id"].as_str().unwrap());
        replies.push(api.post(&path, &api.a.key, &mapping).await);
    }
    assert_eq!(replies[0].status, StatusCode::ACCEPTED, "{}", replies[0].text);
    assert_full(&replies[1]);
}

#[tokio::test]
async fn a_depth_of_its_own_goes_before_the_usual_one() {
    let api = TestApi::with(&[("PATCHBAY__QUEUE__TENANT_DEPTH", "1")]).await;
    account(&api, &api.a.key).await;
    let path = format!("/v1/queues/*/lanes/*/limit?tenant_id={}", api.a.id);
    let set = api.send(Method::PUT, &path, Some(SYSTEM_KEY), Some(&json!({ "max_waiting": 3 })), &[]).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    for _ in 0..3 {
        assert_eq!(send(&api, &api.a.key, None).await.status, StatusCode::ACCEPTED);
    }
    assert_full(&send(&api, &api.a.key, None).await);
}
