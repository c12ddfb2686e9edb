//! What provider accounts promise.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{SYSTEM_KEY, TestApi};

pub const SID: &str = "AC0123456789abcdef0123456789abcdef";
pub const TOKEN: &str = "a-token-that-nobody-may-see";
pub const SENDER: &str = "+12025550100";

/// The body that makes an account with these senders.
pub fn body(senders: &Value) -> Value {
    json!({ "kind": "twilio", "settings": { "account_sid": SID, "auth_token": TOKEN }, "senders": senders })
}

/// Makes an account with one sender; answers its id.
pub async fn account(api: &TestApi, key: &str) -> String {
    let made = api.post("/v1/provider_accounts", key, &body(&json!([{ "address": SENDER }]))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn credentials_go_in_and_never_come_out() {
    let api = TestApi::new().await;
    let made = api.post("/v1/provider_accounts", &api.a.key, &body(&json!([{ "address": SENDER }]))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = made.header("location").to_owned();
    let read = api.get(&path, &api.a.key).await;
    let listed = api.get("/v1/provider_accounts", &api.a.key).await;
    for reply in [&made, &read, &listed] {
        assert!(!reply.text.contains(TOKEN), "{}", reply.text);
    }
    assert_eq!(read.body["settings"], json!({ "account_sid": SID, "api_key_sid": null }));
    let id = read.body["id"].as_str().unwrap();
    assert_eq!(read.body["webhooks"]["inbound"], format!("http://127.0.0.1:8080/v1/webhooks/twilio/{id}/inbound"));
}

#[tokio::test]
async fn each_kind_of_sender_has_its_rate_and_the_first_is_the_default() {
    let api = TestApi::new().await;
    let senders = json!([
        { "address": "+12025550100" }, { "address": "+18885550100" }, { "address": "72345" },
        { "address": "+12025550101", "rate_per_second": 4.5 }
    ]);
    let made = api.post("/v1/provider_accounts", &api.a.key, &body(&senders)).await;
    let rates = made.body["senders"].as_array().unwrap().iter().map(|s| s["rate_per_second"].as_f64().unwrap());
    assert_eq!(rates.collect::<Vec<_>>(), [1.0, 3.0, 100.0, 4.5]);
    let defaults = made.body["senders"].as_array().unwrap().iter().map(|s| s["is_default"].as_bool().unwrap());
    assert_eq!(defaults.collect::<Vec<_>>(), [true, false, false, false]);
}

#[tokio::test]
async fn a_patch_replaces_senders_and_moves_the_default() {
    let api = TestApi::new().await;
    let path = format!("/v1/provider_accounts/{}", account(&api, &api.a.key).await);
    let senders = json!([{ "address": SENDER }, { "address": "+12025550101", "is_default": true }]);
    let changed = api.patch(&path, &api.a.key, &json!({ "senders": senders, "status": "disabled" })).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(
        (&changed.body["status"], &changed.body["senders"][1]["is_default"]),
        (&json!("disabled"), &json!(true))
    );
    let one = json!({ "senders": [{ "address": SENDER }] });
    let left = api.patch(&path, &api.a.key, &one).await;
    assert_eq!(left.body["senders"].as_array().unwrap().len(), 1);
    assert_eq!(left.body["senders"][0]["is_default"], true, "the last one left is the default");
}

/// An account of A's on whose sender the operator has set this rate; its path, and the sender's lane.
async fn slowed(api: &TestApi, per_second: f64) -> (String, String) {
    let id = account(api, &api.a.key).await;
    let limit = format!("/v1/queues/sends/lanes/{id}~%2B12025550100/limit?tenant_id={}", api.a.id);
    let rate = json!({ "rate_per_second": per_second });
    let set = api.send(Method::PUT, &limit, Some(SYSTEM_KEY), Some(&rate), &[]).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    (format!("/v1/provider_accounts/{id}"), format!("{id}~{SENDER}"))
}

#[tokio::test]
async fn a_rate_that_the_operator_has_set_on_a_sender_is_kept_whatever_its_owner_makes_of_it() {
    let api = TestApi::new().await;
    let (path, lane) = slowed(&api, 0.5).await;
    let fast = json!([{ "address": SENDER, "rate_per_second": 100.0 }]);
    for senders in [fast.clone(), json!([{ "address": "+12025550101" }]), fast] {
        let changed = api.patch(&path, &api.a.key, &json!({ "senders": senders })).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
        let limits = api.get("/v1/queues/sends/limits", &api.a.key).await;
        let kept = limits.body["data"].as_array().unwrap().iter().find(|limit| limit["lane"] == lane).unwrap();
        assert_eq!((&kept["set_by"], &kept["limit"]["rate_per_second"]), (&json!("system"), &json!(0.5)));
    }
}

#[tokio::test]
async fn a_rate_that_the_operator_has_set_on_a_sender_stays_in_force() {
    let api = TestApi::new().await;
    let (path, lane) = slowed(&api, 0.01).await;
    let fast = json!({ "senders": [{ "address": SENDER, "rate_per_second": 10_000.0 }] });
    assert_eq!(api.patch(&path, &api.a.key, &fast).await.status, StatusCode::OK);
    for _ in 0..10 {
        let job = api.accept_as(api.a.id, |job| job.lane(&lane)).await;
        api.until_pushed(job).await;
    }
    assert!(api.claim(10).await.len() <= 1, "wherever the bucket stands after opening");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_pointer_and_without_its_value() {
    let api = TestApi::new().await;
    let mut wrong = body(&json!([{ "address": "nonsense, that is too long" }]));
    let reply = api.post("/v1/provider_accounts", &api.a.key, &wrong).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
    assert_eq!(reply.body["errors"][0]["pointer"], "/senders/0/address");
    wrong["settings"] = json!({ "account_sid": "AC1", "auth_token": TOKEN, "api_key_sid": "SK1" });
    let reply = api.post("/v1/provider_accounts", &api.a.key, &wrong).await;
    assert_eq!(reply.body["errors"][0]["pointer"], "/settings/api_key_secret");
    assert!(!reply.text.contains(TOKEN));
}

#[tokio::test]
async fn a_sender_belongs_to_one_account_of_a_tenant() {
    let api = TestApi::new().await;
    account(&api, &api.a.key).await;
    let again = api.post("/v1/provider_accounts", &api.a.key, &body(&json!([{ "address": SENDER }]))).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "already_exists"));
    account(&api, &api.b.key).await;
}

#[tokio::test]
async fn an_account_with_messages_stays() {
    let api = TestApi::new().await;
    let path = format!("/v1/provider_accounts/{}", account(&api, &api.a.key).await);
    api.post("/v1/messages", &api.a.key, &json!({ "to": "+12025550123", "body": "x" })).await;
    let refused = api.delete(&path, &api.a.key).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "state_conflict"), "{}", refused.text);
    let other = format!("/v1/provider_accounts/{}", account(&api, &api.b.key).await);
    assert_eq!(api.delete(&other, &api.b.key).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(&other, &api.b.key).await.status, StatusCode::NOT_FOUND);
}
