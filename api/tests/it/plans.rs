//! Plans: what a tenant is worth in the queues.

use patchbay_db::TypedId;
use patchbay_queue::ledger::controls;
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    fixtures::plan,
    harness::{SYSTEM_KEY, TestApi},
};

async fn give(api: &TestApi, plan: &Value) -> StatusCode {
    api.patch(&format!("/v1/tenants/{}", api.a.id), SYSTEM_KEY, &json!({ "plan": plan })).await.status
}

/// The weight and the depth that hold for tenant A in the queue of sends.
async fn held(api: &TestApi) -> Option<(Option<f64>, Option<i64>)> {
    let mut tx = api.app.db.system("test").await.unwrap();
    let limits = controls::all_limits(&mut tx, "sends").await.unwrap();
    let own = limits.into_iter().find(|limit| limit.lane.tenant == api.a.id.uuid() && limit.lane.lane.is_empty());
    own.map(|limit| (limit.weight, limit.max_waiting))
}

#[tokio::test]
async fn a_plan_gives_its_tenants_their_weight_and_depth_and_takes_them_back() {
    let api = TestApi::new().await;
    let made = plan(&api, "pro", &json!({ "weight": 4.0, "max_waiting": 50 })).await;
    assert_eq!((made.status, &made.body["weight"]), (StatusCode::OK, &json!(4.0)), "{}", made.text);
    assert_eq!(held(&api).await, None);
    assert_eq!(give(&api, &json!("pro")).await, StatusCode::OK);
    assert_eq!(api.get("/v1/tenant", &api.a.key).await.body["plan"], "pro");
    assert_eq!(held(&api).await, Some((Some(4.0), Some(50))));
    plan(&api, "pro", &json!({ "weight": 6.0 })).await;
    assert_eq!(held(&api).await, Some((Some(6.0), None)));
    assert_eq!(give(&api, &Value::Null).await, StatusCode::OK);
    assert_eq!(held(&api).await, None);
}

#[tokio::test]
async fn what_is_set_on_the_tenant_itself_goes_before_its_plan() {
    let api = TestApi::new().await;
    plan(&api, "pro", &json!({ "weight": 4.0, "max_waiting": 50 })).await;
    give(&api, &json!("pro")).await;
    let path = format!("/v1/queues/*/lanes/*/limit?tenant_id={}", api.a.id);
    let body = json!({ "weight": 9.0 });
    let set = api.send(poem::http::Method::PUT, &path, Some(SYSTEM_KEY), Some(&body), &[]).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    assert_eq!(held(&api).await, Some((Some(9.0), Some(50))));
}

#[tokio::test]
async fn a_plans_depth_holds_at_the_door() {
    let api = TestApi::new().await;
    crate::provider_accounts::account(&api, &api.a.key).await;
    plan(&api, "trial", &json!({ "weight": 0.5, "max_waiting": 1 })).await;
    give(&api, &json!("trial")).await;
    let body = json!({ "to": "+12025550123", "body": "hello" });
    assert_eq!(api.post("/v1/messages", &api.a.key, &body).await.status, StatusCode::ACCEPTED);
    assert_eq!(api.post("/v1/messages", &api.a.key, &body).await.code(), "queue_full");
}

#[tokio::test]
async fn a_plan_that_tenants_have_is_not_deleted_and_one_that_nobody_has_is() {
    let api = TestApi::new().await;
    plan(&api, "pro", &json!({ "weight": 4.0 })).await;
    give(&api, &json!("pro")).await;
    let refused = api.delete("/v1/plans/pro", SYSTEM_KEY).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "state_conflict"));
    give(&api, &Value::Null).await;
    assert_eq!(api.delete("/v1/plans/pro", SYSTEM_KEY).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get("/v1/plans/pro", SYSTEM_KEY).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_no_plan_is_refused() {
    let api = TestApi::new().await;
    let unknown = api.patch(&format!("/v1/tenants/{}", api.a.id), SYSTEM_KEY, &json!({ "plan": "gold" })).await;
    assert_eq!(
        (unknown.status, &unknown.body["errors"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/plan"))
    );
    for (name, body) in [("Pro", json!({ "weight": 1.0 })), ("pro", json!({ "weight": 0.0 })), ("pro", json!({}))] {
        assert_eq!(plan(&api, name, &body).await.status, StatusCode::BAD_REQUEST, "{name} {body}");
    }
    assert_eq!(plan(&api, "pro", &json!({ "weight": 1.0 })).await.status, StatusCode::OK);
    assert_eq!(api.get("/v1/plans", &api.a.key).await.code(), "forbidden");
}
