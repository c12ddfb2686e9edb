//! A POST that is repeated is done once.

use chrono::TimeDelta;
use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Reply, SYSTEM_KEY, TestApi};

async fn post(api: &TestApi, key: &str, body: &Value, idempotency_key: &str) -> Reply {
    api.send(Method::POST, "/v1/templates", Some(key), Some(body), &[("idempotency-key", idempotency_key)]).await
}

fn template(code: &str) -> Value {
    json!({ "code": code, "body": "Hi {{ name }}" })
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_says_so() {
    let api = TestApi::new().await;
    let first = post(&api, &api.a.key, &template("one"), "k").await;
    let again = post(&api, &api.a.key, &json!({ "body": "Hi {{ name }}", "code": "one" }), "k").await;
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    let list = api.get("/v1/templates", &api.a.key).await;
    assert_eq!(list.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_body_or_path_under_the_same_key_is_refused() {
    let api = TestApi::new().await;
    let made = post(&api, &api.a.key, &template("one"), "k").await;
    let other = post(&api, &api.a.key, &template("two"), "k").await;
    assert_eq!((other.status, other.code()), (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"));
    let two = post(&api, &api.a.key, &template("two"), "k2").await;
    let values = json!({ "variables": { "name": "Ada" } });
    let preview = |id: Value| format!("/v1/templates/{}/preview", id.as_str().unwrap());
    let headers = [("idempotency-key", "k")];
    let first =
        api.send(Method::POST, &preview(made.body["id"].clone()), Some(&api.a.key), Some(&values), &headers).await;
    assert_eq!(first.status, StatusCode::OK, "a key is of one operation");
    let other =
        api.send(Method::POST, &preview(two.body["id"].clone()), Some(&api.a.key), Some(&values), &headers).await;
    assert_eq!(other.code(), "idempotency_key_reused");
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let api = TestApi::new().await;
    let blocking = post(&api, &api.a.key, &template("one"), "k1").await;
    let refused = post(&api, &api.a.key, &template("one"), "k2").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "already_exists"));
    let path = format!("/v1/templates/{}", blocking.body["id"].as_str().unwrap());
    assert_eq!(api.delete(&path, &api.a.key).await.status, StatusCode::OK);
    assert_eq!(post(&api, &api.a.key, &template("one"), "k2").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn at_once_one_is_done_and_the_others_wait_or_get_its_answer() {
    let api = TestApi::new().await;
    let body = template("one");
    let replies = join_all((0..8).map(|_| post(&api, &api.a.key, &body, "k"))).await;
    let mut made = 0;
    for reply in &replies {
        match (reply.status, reply.code()) {
            (StatusCode::CREATED, _) => made += usize::from(reply.header("idempotent-replayed").is_empty()),
            (status, code) => {
                let expected = (StatusCode::CONFLICT, "idempotency_in_progress");
                assert_eq!((status, code), expected, "{}", reply.text);
            }
        }
    }
    assert_eq!(made, 1);
    assert_eq!(post(&api, &api.a.key, &body, "k").await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn the_keys_of_two_tenants_do_not_meet() {
    let api = TestApi::new().await;
    post(&api, &api.a.key, &template("one"), "k").await;
    let other = post(&api, &api.b.key, &template("two"), "k").await;
    assert_eq!((other.status, other.header("idempotent-replayed")), (StatusCode::CREATED, ""));
}

#[tokio::test]
async fn an_expired_key_is_free_again() {
    let api = TestApi::new().await;
    post(&api, &api.a.key, &template("one"), "k").await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    diesel::sql_query("UPDATE idempotency_keys SET expires_at = $1 WHERE key = $2")
        .bind::<Timestamptz, _>(api.app.clock.now() - TimeDelta::seconds(1))
        .bind::<Text, _>("k")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let second = post(&api, &api.a.key, &template("two"), "k").await;
    assert_eq!((second.status, second.header("idempotent-replayed")), (StatusCode::CREATED, ""));
    assert_eq!(post(&api, &api.a.key, &template("two"), "k").await.header("idempotent-replayed"), "true");
}

#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Timestamptz)]
    expires_at: chrono::DateTime<chrono::Utc>,
}

#[tokio::test]
async fn an_answer_is_kept_as_long_as_the_settings_say() {
    let api = TestApi::with(&[("PATCHBAY__RETENTION__IDEMPOTENCY_KEYS", "3d")]).await;
    let before = api.app.clock.now();
    post(&api, &api.a.key, &template("one"), "k").await;
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    let kept: Kept = diesel::sql_query("SELECT expires_at FROM idempotency_keys").get_result(&mut *tx).await.unwrap();
    let days = kept.expires_at - TimeDelta::days(3);
    assert!(before <= days + TimeDelta::milliseconds(1) && days <= api.app.clock.now(), "{}", kept.expires_at);
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let api = TestApi::new().await;
    for key in [String::new(), "x".repeat(256)] {
        let reply = post(&api, &api.a.key, &template("one"), &key).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::BAD_REQUEST, "invalid_request"), "{key:?}");
    }
}

#[tokio::test]
async fn the_operators_calls_are_idempotent_too() {
    let api = TestApi::new().await;
    let call = || api.send(Method::POST, "/v1/tenants", Some(SYSTEM_KEY), Some(&TENANT), &[("idempotency-key", "k")]);
    static TENANT: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({ "name": "Acme" }));
    let (first, again) = (call().await, call().await);
    assert_eq!(first.status, StatusCode::CREATED);
    assert_eq!((&first.text, again.header("idempotent-replayed")), (&again.text, "true"));
}

#[derive(QueryableByName)]
struct StoredBody {
    #[diesel(sql_type = Binary)]
    body: Vec<u8>,
}

#[tokio::test]
async fn an_answer_that_shows_a_secret_is_stored_sealed() {
    let api = TestApi::new().await;
    let body = json!({ "name": "k", "mode": "test", "scopes": ["*"] });
    let call = || api.send(Method::POST, "/v1/api_keys", Some(&api.a.key), Some(&body), &[("idempotency-key", "k")]);
    let (first, again) = (call().await, call().await);
    assert_eq!((&first.text, again.header("idempotent-replayed")), (&again.text, "true"));
    let mut tx = api.app.db.begin(api.a.id).await.unwrap();
    let stored: StoredBody = diesel::sql_query("SELECT body FROM idempotency_keys").get_result(&mut *tx).await.unwrap();
    let stored = String::from_utf8_lossy(&stored.body).into_owned();
    assert!(!stored.contains("pb_test_"), "the database holds a secret in the clear: {stored}");
}
