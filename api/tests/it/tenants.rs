//! What tenants promise.

use poem::http::StatusCode;
use serde_json::json;

use crate::harness::{SYSTEM_KEY, TestApi};

#[tokio::test]
async fn a_new_tenant_gets_a_key_and_works_with_it() {
    let api = TestApi::new().await;
    let made = api
        .post(
            "/v1/tenants",
            SYSTEM_KEY,
            &json!({ "name": "Acme", "timezone": "America/Chicago", "default_country": "US" }),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let keys = format!("{}/api_keys", made.header("location"));
    let key = api.post(&keys, SYSTEM_KEY, &json!({ "name": "first", "mode": "test", "scopes": ["*"] })).await;
    assert_eq!(key.status, StatusCode::CREATED, "{}", key.text);
    let secret = key.body["secret"].as_str().unwrap();
    assert_eq!(api.get("/v1/tenant", secret).await.body, made.body);
    assert_eq!(api.get(made.header("location"), SYSTEM_KEY).await.body, made.body);
}

#[tokio::test]
async fn a_zone_or_country_that_does_not_exist_is_refused() {
    let api = TestApi::new().await;
    for (body, pointer) in [
        (json!({ "name": "x", "timezone": "Mars/Base" }), "/timezone"),
        (json!({ "name": "x", "default_country": "XX" }), "/default_country"),
    ] {
        let reply = api.post("/v1/tenants", SYSTEM_KEY, &body).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"));
        assert_eq!(reply.body["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn null_clears_and_absent_leaves() {
    let api = TestApi::new().await;
    let made = api.post("/v1/tenants", SYSTEM_KEY, &json!({ "name": "Acme", "default_country": "DE" })).await;
    let path = made.header("location");
    let renamed = api.patch(path, SYSTEM_KEY, &json!({ "name": "Acme 2" })).await;
    assert_eq!((&renamed.body["name"], &renamed.body["default_country"]), (&json!("Acme 2"), &json!("DE")));
    let cleared = api.patch(path, SYSTEM_KEY, &json!({ "default_country": null })).await;
    assert_eq!((&cleared.body["name"], &cleared.body["default_country"]), (&json!("Acme 2"), &json!(null)));
}

#[tokio::test]
async fn a_suspended_tenants_keys_are_refused() {
    let api = TestApi::new().await;
    let path = format!("/v1/tenants/{}", api.a.id);
    assert_eq!(api.patch(&path, SYSTEM_KEY, &json!({ "status": "suspended" })).await.status, StatusCode::OK);
    let reply = api.get("/v1/tenant", &api.a.key).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "tenant_suspended"));
    assert_eq!(api.get("/v1/tenant", &api.b.key).await.status, StatusCode::OK);
}
