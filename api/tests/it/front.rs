//! What the front door makes of endpoints that misbehave.

use patchbay_api::http::{front::Front, operations::Operations};
use poem::{Endpoint, Request, Response, endpoint::make, http::StatusCode};
use serde_json::Value;

use crate::harness::TestApi;

async fn answer<E: Endpoint<Output = Response>>(api: &TestApi, inner: E) -> (StatusCode, Value) {
    let front = Front::new(inner, api.app.clone(), Operations::table::<()>());
    let request = Request::builder().content_type("multipart/form-data; boundary=b").finish();
    let response = front.call(request).await.unwrap();
    let status = response.status();
    assert!(!response.headers()["x-request-id"].is_empty());
    (status, serde_json::from_str(&response.into_body().into_string().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_text() {
    let api = TestApi::new().await;
    let (status, body) = answer(&api, make(|_| async { panic_now() })).await;
    assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &Value::from("internal")));
    assert!(!body.to_string().contains("hunter2"), "{body}");
}

fn panic_now() -> Response {
    panic!("the password is hunter2")
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let api = TestApi::with(&[("PATCHBAY__API__REQUEST_TIMEOUT", "1s")]).await;
    let (status, body) = answer(&api, make(|_| std::future::pending::<Response>())).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &Value::from("timeout")));
    assert_eq!(body["retryable"], true);
}
