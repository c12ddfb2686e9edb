//! Everybody's dead letters, redriven and discarded by the operator; a tenant's key reaches its own only.

use patchbay_db::{
    TypedId as _,
    ids::{JobGroupId, JobId},
};
use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Reply, SYSTEM_KEY, TestApi};

async fn bulk(api: &TestApi, key: &str, verb: &str, body: &Value) -> Reply {
    let reply = api.post(&format!("/v1/dead_letters/{verb}"), key, body).await;
    assert!(reply.status.is_success(), "{}", reply.text);
    reply
}

/// How many there are, as the key sees it.
async fn left(api: &TestApi, key: &str) -> Value {
    api.get("/v1/dead_letters/count", key).await.body["count"].clone()
}

/// The ids of an answer, sorted.
fn ids(reply: &Reply) -> Vec<String> {
    let mut ids: Vec<String> =
        reply.body["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn sorted<const N: usize>(jobs: [JobId; N]) -> Vec<String> {
    let mut ids = jobs.map(|id| id.to_string()).to_vec();
    ids.sort();
    ids
}

#[tokio::test]
async fn everybodys_that_match_are_redriven_with_their_records_and_noted_with_each() {
    let api = TestApi::new().await;
    let (a, b) = (api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await);
    let other = api.dead(api.b.id, "y").await;
    let messages = [api.failed_message(api.a.id, a).await, api.failed_message(api.b.id, b).await];
    let body = |dry: bool| json!({ "filter": { "error_code": "x" }, "dry_run": dry });
    let dry = bulk(&api, SYSTEM_KEY, "redrive", &body(true)).await;
    assert_eq!((&dry.body["count"], ids(&dry)), (&json!(2), sorted([a, b])), "counted over both");
    assert_eq!(left(&api, SYSTEM_KEY).await, json!(3), "a dry run changes nothing");
    let reply = bulk(&api, SYSTEM_KEY, "redrive", &body(false)).await;
    assert_eq!((&reply.body["count"], ids(&reply)), (&json!(2), sorted([a, b])));
    for id in [a, b] {
        api.until_pushed(id).await;
    }
    for (tenant, message) in [api.a.id, api.b.id].into_iter().zip(messages) {
        assert_eq!(api.message_state(tenant, message).await, "queued");
    }
    assert_eq!(api.audited(api.a.id).await, [format!("dead_letters.redrive {a}")]);
    assert_eq!(api.audited(api.b.id).await, [format!("dead_letters.redrive {b}")]);
    let rest = bulk(&api, SYSTEM_KEY, "discard", &json!({ "filter": {} })).await;
    assert_eq!((ids(&rest), left(&api, SYSTEM_KEY).await), (sorted([other]), json!(0)));
}

#[tokio::test]
async fn everybodys_are_discarded_by_their_ids() {
    let api = TestApi::new().await;
    let (a, b) = (api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await);
    let alive = api.accept_unpushed(api.b.id).await;
    let body = json!({ "ids": [a.to_string(), alive.to_string(), b.to_string()] });
    let reply = bulk(&api, SYSTEM_KEY, "discard", &body).await;
    assert_eq!((ids(&reply), &reply.body["skipped"]), (sorted([a, b]), &json!([alive.to_string()])));
    for (tenant, id) in [(&api.a, a), (&api.b, b)] {
        let job = api.get(&format!("/v1/jobs/{id}"), &tenant.key).await;
        assert_eq!(job.body["discarded"], true, "{}", job.text);
        assert_eq!(api.audited(tenant.id).await, [format!("dead_letters.discard {id}")]);
    }
}

#[tokio::test]
async fn a_limit_is_over_everybody() {
    let api = TestApi::new().await;
    for tenant in [api.a.id, api.b.id, api.a.id, api.b.id] {
        api.dead(tenant, "x").await;
    }
    let body = json!({ "filter": { "error_code": "x" }, "limit": 3 });
    let first = bulk(&api, SYSTEM_KEY, "redrive", &body).await;
    assert_eq!((&first.body["count"], &first.body["has_more"]), (&json!(3), &json!(true)));
    let second = bulk(&api, SYSTEM_KEY, "redrive", &body).await;
    assert_eq!((&second.body["count"], &second.body["has_more"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn a_lane_and_a_group_can_be_meant() {
    let api = TestApi::new().await;
    let jobs = [api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await, api.dead(api.b.id, "x").await];
    let group: JobGroupId = api.app.db.new_id(api.app.clock.now());
    api.set(api.a.id, jobs[0], "lane = 'other'").await;
    api.set(api.b.id, jobs[1], &format!("group_id = '{}'", group.uuid())).await;
    for (name, value, wanted) in [("lane", "other", jobs[0]), ("group_id", &group.to_string(), jobs[1])] {
        let body = json!({ "filter": { name: value }, "dry_run": true });
        assert_eq!(ids(&bulk(&api, SYSTEM_KEY, "redrive", &body).await), sorted([wanted]), "{name}");
        let job = bulk(&api, SYSTEM_KEY, "discard_job", &json!({ "filter": { name: value } })).await;
        assert_eq!(job.body["progress"]["total"], json!(1), "{name}");
        let count = api.get(&format!("/v1/dead_letters/count?{name}={value}"), SYSTEM_KEY).await;
        assert_eq!(count.body["count"], json!(1), "{name}");
        let file = api.get(&format!("/v1/dead_letters/export?{name}={value}"), SYSTEM_KEY).await;
        assert!(file.text.lines().count() == 1 && file.text.contains(&wanted.to_string()), "{}", file.text);
        let list = api.get(&format!("/v1/dead_letters?{name}={value}"), SYSTEM_KEY).await;
        assert_eq!(
            (list.body["data"].as_array().unwrap().len(), &list.body["data"][0]["id"]),
            (1, &json!(wanted.to_string())),
            "{name}"
        );
    }
    let shown = api.get(&format!("/v1/dead_letters/{}", jobs[1]), &api.b.key).await;
    assert_eq!(shown.body["group_id"], json!(group.to_string()));
}

#[tokio::test]
async fn a_tenants_key_reaches_its_own_only() {
    let api = TestApi::new().await;
    let (own, theirs) = (api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await);
    let by_filter = bulk(&api, &api.a.key, "redrive", &json!({ "filter": {}, "dry_run": true })).await;
    assert_eq!(ids(&by_filter), sorted([own]));
    let by_ids = bulk(&api, &api.a.key, "discard", &json!({ "ids": [theirs.to_string()] })).await;
    assert_eq!((&by_ids.body["count"], &by_ids.body["skipped"]), (&json!(0), &json!([theirs.to_string()])));
    let job = bulk(&api, &api.a.key, "redrive_job", &json!({ "filter": {} })).await;
    assert_eq!((&job.body["progress"]["total"], &job.body["tenant_id"]), (&json!(1), &json!(api.a.id.to_string())));
    for verb in ["redrive", "discard", "redrive_job", "discard_job"] {
        let body = json!({ "filter": {}, "tenant_id": api.b.id.to_string() });
        let reply = api.post(&format!("/v1/dead_letters/{verb}"), &api.a.key, &body).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{verb}");
    }
    assert_eq!(left(&api, SYSTEM_KEY).await, json!(2));
}

#[tokio::test]
async fn a_job_over_everybodys_is_the_installations_and_can_be_followed_and_stopped() {
    let api = TestApi::new().await;
    let (a, b) = (api.dead(api.a.id, "x").await, api.dead(api.b.id, "x").await);
    for (verb, body) in [
        ("redrive", json!({ "filter": { "error_code": "x" }, "limit": 10 })),
        ("discard", json!({ "ids": [a.to_string(), b.to_string()], "limit": 10 })),
        ("discard", json!({ "filter": {}, "limit": 1 })),
    ] {
        let reply = bulk(&api, SYSTEM_KEY, &format!("{verb}_job"), &body).await;
        let total = body["limit"].as_u64().unwrap().min(2);
        assert_eq!((reply.status, &reply.body["progress"]["total"]), (StatusCode::ACCEPTED, &json!(total)));
        let (id, owner) = (reply.body["id"].as_str().unwrap(), reply.body["tenant_id"].as_str().unwrap());
        let path = format!("/v1/jobs/{id}?tenant_id={owner}");
        assert_eq!(api.get(&path, SYSTEM_KEY).await.body["kind"], format!("jobs.{verb}"));
        assert_eq!(api.get(&format!("/v1/jobs/{id}"), &api.a.key).await.status, StatusCode::NOT_FOUND);
        let cancel = format!("/v1/jobs/{id}/cancel?tenant_id={owner}");
        let stopped = api.post(&cancel, SYSTEM_KEY, &json!({})).await;
        assert_eq!(stopped.body["status"], "cancelled", "{}", stopped.text);
    }
    assert_eq!(left(&api, SYSTEM_KEY).await, json!(2), "accepting a job does nothing to them");
}

#[tokio::test]
async fn the_same_call_over_everybodys_is_done_once() {
    let api = TestApi::new().await;
    api.dead(api.a.id, "x").await;
    let body = json!({ "filter": {} });
    let headers = [("idempotency-key", "again")];
    let mut answers = Vec::new();
    for _ in 0..2 {
        let method = poem::http::Method::POST;
        answers.push(api.send(method, "/v1/dead_letters/redrive", Some(SYSTEM_KEY), Some(&body), &headers).await);
    }
    assert_eq!((&answers[0].body["count"], &answers[0].text), (&json!(1), &answers[1].text));
    assert_eq!(answers[1].header("idempotent-replayed"), "true");
}
