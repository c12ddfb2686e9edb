//! What templates promise.

use poem::http::StatusCode;
use serde_json::json;

use crate::harness::TestApi;

#[tokio::test]
async fn a_template_is_made_read_changed_and_archived() {
    let api = TestApi::new().await;
    let made = api.post("/v1/templates", &api.a.key, &json!({ "code": "hi", "body": "Hi {{ b }} {{ a }}" })).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.body["variables"], json!(["a", "b"]));
    assert_eq!(
        (&made.body["name"], &made.body["class"], &made.body["locale"]),
        (&json!("hi"), &json!("marketing"), &json!("en"))
    );
    let path = made.header("location").to_owned();
    assert_eq!(api.get(&path, &api.a.key).await.body, made.body);
    let changed = api.patch(&path, &api.a.key, &json!({ "body": "Bye {{ c }}" })).await;
    assert_eq!((&changed.body["variables"], &changed.body["name"]), (&json!(["c"]), &json!("hi")));
    let archived = api.delete(&path, &api.a.key).await;
    assert!(archived.body["archived_at"].is_string());
    assert_eq!(api.delete(&path, &api.a.key).await.body, archived.body, "archiving twice changes nothing");
    assert_eq!(api.patch(&path, &api.a.key, &json!({ "name": "x" })).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.get("/v1/templates", &api.a.key).await.body["data"], json!([]));
    assert_eq!(api.get("/v1/templates?archived=true", &api.a.key).await.body["data"][0]["code"], "hi");
}

#[tokio::test]
async fn a_code_is_taken_while_its_template_lives() {
    let api = TestApi::new().await;
    let body = json!({ "code": "hi", "body": "x" });
    let first = api.post("/v1/templates", &api.a.key, &body).await;
    let second = api.post("/v1/templates", &api.a.key, &body).await;
    assert_eq!((second.status, second.code()), (StatusCode::CONFLICT, "already_exists"));
    assert_eq!(second.body["errors"][0]["pointer"], "/code");
    assert_eq!(api.post("/v1/templates", &api.b.key, &body).await.status, StatusCode::CREATED, "codes are of a tenant");
    api.delete(first.header("location"), &api.a.key).await;
    assert_eq!(api.post("/v1/templates", &api.a.key, &body).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_text_that_is_no_template_is_refused_with_the_place() {
    let api = TestApi::new().await;
    let reply = api.post("/v1/templates", &api.a.key, &json!({ "code": "hi", "body": "Hi {{ name" })).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_template"));
    assert_eq!(reply.body["errors"][0]["code"], "unclosed_variable");
    assert!(reply.body["detail"].as_str().unwrap().contains("character 4"), "{}", reply.text);
}

#[tokio::test]
async fn a_preview_shows_text_and_segments_and_names_wrong_variables() {
    let api = TestApi::new().await;
    let made = api.post("/v1/templates", &api.a.key, &json!({ "code": "hi", "body": "Hi {{ name }}" })).await;
    let path = format!("{}/preview", made.header("location"));
    let preview = api.post(&path, &api.a.key, &json!({ "variables": { "name": "“Ada”" } })).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.text);
    assert_eq!(
        preview.body,
        json!({ "body": "Hi “Ada”", "encoding": "ucs2", "segments": 1, "not_gsm7": ["“", "”"], "too_long": false })
    );
    let wrong = api.post(&path, &api.a.key, &json!({ "variables": { "nam": "x" } })).await;
    assert_eq!((wrong.status, wrong.code()), (StatusCode::UNPROCESSABLE_ENTITY, "template_variables"));
    let pointers: Vec<_> =
        wrong.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/variables/name", "/variables/nam"]);
}
