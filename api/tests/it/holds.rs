//! Holding a job and letting it go.

use patchbay_db::ids::JobId;
use poem::http::StatusCode;
use serde_json::json;

use crate::{
    harness::{Reply, SYSTEM_KEY, TestApi},
    jobs::why,
};

pub async fn hold(api: &TestApi, id: JobId) -> Reply {
    api.post(&format!("/v1/jobs/{id}/hold"), &api.a.key, &json!({ "reason": "A doubt." })).await
}

#[tokio::test]
async fn a_held_job_is_not_run_until_it_is_released() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let id = api.accept(api.a.id).await;
    let held = hold(&api, id).await;
    assert_eq!((held.status, why(&held.body)), (StatusCode::OK, ("held", "held")), "{}", held.text);
    assert_eq!((&held.body["held_by"], &held.body["held_reason"]), (&json!("operator"), &json!("A doubt.")));
    assert!(api.claim(1).await.is_empty());
    assert_eq!(hold(&api, id).await.status, StatusCode::OK, "twice is once");
    let released = api.act(id, "release").await;
    assert_eq!((released.status, &released.body["status"]), (StatusCode::OK, &json!("queued")), "{}", released.text);
    api.until_pushed(id).await;
    assert_eq!(api.claim(1).await.len(), 1);
    assert_eq!(api.act(id, "release").await.status, StatusCode::OK, "what is not held stays as it is");
    assert_eq!(api.audited(api.a.id).await, [format!("jobs.hold {id}"), format!("jobs.release {id}")]);
}

#[tokio::test]
async fn an_approval_is_a_release_and_a_rejection_a_cancel() {
    let api = TestApi::new().await;
    let approved = api.accept_as(api.a.id, |job| job.held("approval", "why")).await;
    let rejected = api.accept_as(api.a.id, |job| job.held("approval", "why")).await;
    let waiting = api.get("/v1/jobs?held_by=approval", &api.a.key).await;
    assert_eq!(waiting.body["data"].as_array().unwrap().len(), 2, "{}", waiting.text);
    assert_eq!(api.act(approved, "release").await.body["status"], "queued");
    assert_eq!(api.act(rejected, "cancel").await.body["status"], "cancelled");
    assert_eq!(api.get("/v1/jobs?held_by=approval", &api.a.key).await.body["data"], json!([]));
    assert_eq!(api.get("/v1/jobs?held_by=approval&status=held", &api.a.key).await.code(), "invalid_request");
}

#[tokio::test]
async fn what_runs_or_has_ended_or_waits_for_others_cannot_be_held() {
    let api = TestApi::new().await;
    let running = api.accept(api.a.id).await;
    assert_eq!(api.claim(1).await.len(), 1);
    let ended = api.dead(api.a.id, "x").await;
    let other = api.accept(api.a.id).await;
    let depends = api.accept_as(api.a.id, |job| job.after(patchbay_db::TypedId::uuid(other))).await;
    for id in [running, ended, depends] {
        assert_eq!(hold(&api, id).await.code(), "state_conflict");
    }
    assert_eq!(api.act(depends, "release").await.code(), "state_conflict");
    assert_eq!(api.act(ended, "release").await.code(), "state_conflict");
}

#[tokio::test]
async fn the_operator_acts_on_a_tenants_job_by_naming_the_tenant() {
    let api = TestApi::new().await;
    let id = api.accept(api.a.id).await;
    let of = |tenant| format!("/v1/jobs/{id}/hold?tenant_id={tenant}");
    let body = json!({ "reason": "Suspicious." });
    assert_eq!(api.post(&of(api.b.id), SYSTEM_KEY, &body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(api.post(&of(api.b.id), &api.a.key, &body).await.status, StatusCode::NOT_FOUND);
    let nobody = api.post(&format!("/v1/jobs/{id}/hold"), SYSTEM_KEY, &body).await;
    assert_eq!(nobody.code(), "invalid_request");
    assert_eq!(api.post(&of(api.a.id), SYSTEM_KEY, &body).await.body["status"], "held");
    assert_eq!(api.audited(api.a.id).await, [format!("jobs.hold {id}")]);
    let seen = api.get(&format!("/v1/jobs?tenant_id={}", api.a.id), SYSTEM_KEY).await;
    assert_eq!(seen.body["data"][0]["tenant_id"], api.a.id.to_string());
}
