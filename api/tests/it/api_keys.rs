//! What API keys promise.

use chrono::TimeDelta;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::harness::TestApi;

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let api = TestApi::new().await;
    let made = api
        .post("/v1/api_keys", &api.a.key, &json!({ "name": "k", "mode": "test", "scopes": ["templates:read"] }))
        .await;
    let secret = made.body["secret"].as_str().unwrap();
    assert_eq!(api.get("/v1/templates", secret).await.status, StatusCode::OK);
    let revoked = api.delete(made.header("location"), &api.a.key).await;
    assert!(revoked.body["revoked_at"].is_string());
    let reply = api.get("/v1/templates", secret).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNAUTHORIZED, "key_revoked"));
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    let api = TestApi::new().await;
    let soon = api.app.clock.now() + TimeDelta::milliseconds(300);
    let made = api
        .post("/v1/api_keys", &api.a.key, &json!({ "name": "k", "mode": "test", "scopes": ["*"], "expires_at": soon }))
        .await;
    let secret = made.body["secret"].as_str().unwrap();
    let refused = loop {
        let reply = api.get("/v1/tenant", secret).await;
        if reply.status != StatusCode::OK {
            break reply;
        }
    };
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "key_expired"));
    let past = api
        .post("/v1/api_keys", &api.a.key, &json!({ "name": "k", "mode": "test", "scopes": ["*"], "expires_at": soon }))
        .await;
    assert_eq!(past.body["errors"][0]["pointer"], "/expires_at");
}

#[tokio::test]
async fn the_secret_is_shown_once_and_is_not_in_the_database() {
    let api = TestApi::new().await;
    let body = json!({ "name": "k", "mode": "live", "scopes": ["templates:read"] });
    let refused = api.post("/v1/api_keys", &api.a.key, &body).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "forbidden"), "a test key makes no live key");
    let made = api
        .post("/v1/api_keys", &api.a.key, &json!({ "name": "k", "mode": "test", "scopes": ["templates:read"] }))
        .await;
    let secret = made.body["secret"].as_str().unwrap();
    let read = api.get(made.header("location"), &api.a.key).await;
    assert_eq!(read.body, made.body["api_key"]);
    let list = api.get("/v1/api_keys", &api.a.key).await;
    assert!(!list.text.contains(&secret[8..]) && !read.text.contains(&secret[8..]));
}

#[tokio::test]
async fn a_key_passes_on_only_what_it_may_do_itself() {
    let api = TestApi::new().await;
    let small = api.key(api.a.id, &["api_keys:write", "templates:read"]).await;
    let ask = |scopes: serde_json::Value| json!({ "name": "k", "mode": "test", "scopes": scopes });
    assert_eq!(api.post("/v1/api_keys", &small, &ask(json!(["templates:read"]))).await.status, StatusCode::CREATED);
    for scopes in [json!(["*"]), json!(["templates:write"])] {
        let reply = api.post("/v1/api_keys", &small, &ask(scopes)).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    let unknown = api.post("/v1/api_keys", &api.a.key, &ask(json!(["templates:read", "templates:reed"]))).await;
    assert_eq!(
        (unknown.status, unknown.body["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/scopes/1"))
    );
}

#[tokio::test]
async fn last_use_is_written_in_one_batch() {
    let api = TestApi::new().await;
    for _ in 0..3 {
        api.get("/v1/tenant", &api.a.key).await;
    }
    api.get("/v1/tenant", &api.b.key).await;
    assert_eq!(api.app.keys.write_uses().await.unwrap(), 2);
    assert_eq!(api.app.keys.write_uses().await.unwrap(), 0);
    let list = api.get("/v1/api_keys", &api.a.key).await;
    assert!(list.body["data"][0]["last_used_at"].is_string());
}

#[tokio::test]
async fn the_scheme_of_the_header_is_checked() {
    let api = TestApi::new().await;
    let bearer = format!("bearer {}", api.a.key);
    for (header, status) in [
        (bearer.as_str(), StatusCode::OK),
        (api.a.key.as_str(), StatusCode::UNAUTHORIZED),
        ("Basic abc", StatusCode::UNAUTHORIZED),
        ("Bearer ", StatusCode::UNAUTHORIZED),
    ] {
        let reply = api.send(Method::GET, "/v1/tenant", None, None, &[("authorization", header)]).await;
        assert_eq!(reply.status, status, "{header}");
    }
}
