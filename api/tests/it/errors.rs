//! One shape for everything that goes wrong, whoever found it.

use std::path::Path;

use patchbay_api::http::Code;
use poem::{
    Request,
    http::{Method, StatusCode},
};
use serde_json::json;

use crate::harness::{Reply, TestApi};

fn assert_problem(reply: &Reply, status: StatusCode, code: &str) {
    assert_eq!((reply.status, reply.code()), (status, code), "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.body["status"], status.as_u16());
    assert_eq!(reply.body["type"], format!("http://127.0.0.1:8080/problems/{code}"));
    assert_eq!(reply.body["request_id"], reply.header("x-request-id"));
}

#[tokio::test]
async fn a_path_or_method_that_does_not_exist() {
    let api = TestApi::new().await;
    assert_problem(&api.get("/v1/nothing", &api.a.key).await, StatusCode::NOT_FOUND, "unknown_path");
    let reply = api.send(Method::PUT, "/v1/templates", Some(&api.a.key), None, &[]).await;
    assert_problem(&reply, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
    assert_eq!(reply.header("allow"), "GET, POST");
    for path in ["/healthz", "/metrics", "/docs", "/openapi.json", "/problems/not_found"] {
        let reply = api.send(Method::POST, path, None, None, &[]).await;
        assert_problem(&reply, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
        assert_eq!(reply.header("allow"), "GET, HEAD", "{path}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_for_what_it_is() {
    let api = TestApi::new().await;
    let body = json!({ "code": "a", "body": "x" });
    let send = async |coding| {
        api.send(Method::POST, "/v1/templates", Some(&api.a.key), Some(&body), &[("content-encoding", coding)]).await
    };
    assert_problem(&send("gzip").await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
    assert_eq!(send("identity").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_that_is_no_json_or_of_another_type() {
    let api = TestApi::new().await;
    let request = |media: Option<&str>, body: &'static str| {
        let mut request = Request::builder().method(Method::POST).uri_str("/v1/templates");
        request = request.header("authorization", format!("Bearer {}", api.a.key));
        if let Some(media) = media {
            request = request.content_type(media);
        }
        request.body(body)
    };
    let json = Some("application/json");
    assert_problem(&api.raw(request(json, "{\"code\":")).await, StatusCode::BAD_REQUEST, "malformed_json");
    assert_problem(&api.raw(request(json, "")).await, StatusCode::BAD_REQUEST, "malformed_json");
    assert_problem(
        &api.raw(request(Some("text/csv"), "a,b")).await,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
    );
    assert_problem(&api.raw(request(None, "{}")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type");
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let api = TestApi::with(&[("PATCHBAY__API__JSON_BODY_MAX", "2 KiB")]).await;
    let body = json!({ "code": "a", "body": "x".repeat(3_000) });
    assert_problem(
        &api.post("/v1/templates", &api.a.key, &body).await,
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
    );
}

#[tokio::test]
async fn every_mistake_in_a_body_is_told_with_its_pointer() {
    let api = TestApi::new().await;
    let body = json!({ "code": "NO", "body": "", "class": "urgent", "colour": "red" });
    let reply = api.post("/v1/templates", &api.a.key, &body).await;
    assert_problem(&reply, StatusCode::BAD_REQUEST, "invalid_request");
    let errors = reply.body["errors"].as_array().unwrap();
    let mut found: Vec<_> = errors
        .iter()
        .map(|error| format!("{} {}", error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    found.sort();
    assert_eq!(found, ["/body too_short", "/class not_allowed", "/code pattern", "/colour unknown_field"]);
}

#[tokio::test]
async fn a_parameter_that_does_not_exist_or_is_out_of_range() {
    let api = TestApi::new().await;
    let reply = api.get("/v1/templates?limt=5", &api.a.key).await;
    assert_problem(&reply, StatusCode::BAD_REQUEST, "invalid_request");
    assert_eq!(reply.body["errors"][0]["pointer"], "?limt");
    for limit in ["0", "101", "x", "-1"] {
        let reply = api.get(&format!("/v1/templates?limit={limit}"), &api.a.key).await;
        assert_problem(&reply, StatusCode::BAD_REQUEST, "invalid_request");
        assert_eq!(reply.body["errors"][0]["pointer"], "?limit");
    }
    assert_problem(&api.get("/v1/templates?cursor=abc", &api.a.key).await, StatusCode::BAD_REQUEST, "invalid_cursor");
}

#[tokio::test]
async fn a_request_id_is_echoed_or_made() {
    let api = TestApi::new().await;
    let reply = api.send(Method::GET, "/v1/templates", Some(&api.a.key), None, &[("x-request-id", "order-42")]).await;
    assert_eq!(reply.header("x-request-id"), "order-42");
    assert!(api.get("/v1/nothing", &api.a.key).await.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn a_used_up_budget_is_429_with_the_time_to_wait() {
    let api = TestApi::with(&[("PATCHBAY__LIMITS__KEY_PER_SECOND", "1"), ("PATCHBAY__LIMITS__KEY_BURST", "2")]).await;
    let first = api.get("/v1/templates", &api.a.key).await;
    assert_eq!(first.status, StatusCode::OK);
    assert!(first.header("ratelimit").starts_with("\"key\";r=1;t="), "{}", first.header("ratelimit"));
    assert_eq!(first.header("ratelimit-policy").split(',').next(), Some("\"key\";q=2;w=2"));
    api.get("/v1/templates", &api.a.key).await;
    let refused = api.get("/v1/templates", &api.a.key).await;
    assert_problem(&refused, StatusCode::TOO_MANY_REQUESTS, "rate_limited");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(api.get("/v1/templates", &api.b.key).await.status, StatusCode::OK, "another tenant is not held up");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_503_and_its_name_stays_inside() {
    let api = TestApi::new().await;
    api.get("/v1/templates", &api.a.key).await;
    let url = api.db.url().to_owned();
    let database = url.rsplit('/').next().unwrap().to_owned();
    let mut blocker = api.app.db.system("a test locks a table away").await.unwrap();
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *blocker, "LOCK TABLE templates IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut waiter = api.app.db.begin(api.a.id).await.unwrap();
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *waiter, "SET LOCAL lock_timeout = '1ms'").await.unwrap();
    let page = patchbay_db::Page::default();
    let error = patchbay_domain::templates::list(&mut waiter, page, None, false).await.unwrap_err();
    let problem = patchbay_api::http::Problem::from(error);
    assert_eq!(problem.code().as_str(), "unavailable");
    assert!(problem.after().is_some(), "it says when to try again");
    let answer = patchbay_api::http::catch::answer(&problem, "", "r").into_body().into_string().await.unwrap();
    assert!(!answer.contains(&database) && !answer.contains("lock"), "{answer}");
}

#[tokio::test]
async fn each_problem_has_its_page() {
    let api = TestApi::new().await;
    let reply = api.get("/problems/idempotency_key_reused", "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text.starts_with("# `idempotency_key_reused`"));
    assert_problem(&api.get("/problems/nonsense", "").await, StatusCode::NOT_FOUND, "not_found");
}

/// A documented refusal that nothing gives would be a promise of a rule that is not there.
#[test]
fn every_code_is_given_somewhere() {
    fn read(folder: &Path, code: &mut String) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                read(&path, code);
            } else if path.file_name().is_some_and(|name| name != "code.rs") {
                code.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut code = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
    let unused: Vec<_> = Code::ALL.iter().filter(|known| !code.contains(&format!("Code::{known:?}"))).collect();
    assert!(unused.is_empty(), "no operation answers with {unused:?}");
}

#[tokio::test]
async fn the_document_and_its_browser_are_served() {
    let api = TestApi::new().await;
    let document = api.get("/openapi.json", "").await;
    assert_eq!(document.body["openapi"], "3.1.0");
    let docs = api.get("/docs", "").await;
    assert!(docs.text.contains("templates_create"), "the page holds our document");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(api.get(path, "").await.status, StatusCode::OK, "{path}");
    }
}
