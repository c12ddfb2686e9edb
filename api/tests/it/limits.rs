//! What is set on the keys of a queue: by whom, for whom, and that it is in force.

use poem::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    harness::{Reply, SYSTEM_KEY, TestApi},
    work::ACCOUNT,
};

async fn put(api: &TestApi, key: &str, path: &str, body: Value) -> Reply {
    api.send(Method::PUT, &format!("/v1/queues/{path}"), Some(key), Some(&body), &[]).await
}

async fn listed(api: &TestApi, key: &str, path: &str) -> Vec<Value> {
    let reply = api.get(&format!("/v1/queues/{path}"), key).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    reply.body["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn all_that_may_be_set_is_kept_and_shown() {
    let api = TestApi::new().await;
    let openings = json!([{ "days": ["monday", "friday"], "opens": "09:00", "closes": "17:30" }]);
    let all = json!({
        "rate_per_second": 2.5, "burst": 5, "concurrency": 3,
        "hours": { "timezone": "Europe/Berlin", "openings": openings },
        "breaker": { "failures": 5, "within_seconds": 30, "open_seconds": 10 },
        "weight": null, "max_waiting": null,
    });
    let set = put(&api, &api.a.key, &format!("sends/lanes/{ACCOUNT}/limit"), all.clone()).await;
    assert_eq!((set.status, &set.body), (StatusCode::OK, &all), "{}", set.text);
    let limits = listed(&api, &api.a.key, "sends/limits").await;
    assert_eq!((limits.len(), &limits[0]["limit"], &limits[0]["lane"]), (1, &all, &json!(ACCOUNT)));
    assert!(limits[0]["set_by"].as_str().unwrap().starts_with("key_"));
    assert!(listed(&api, &api.b.key, "sends/limits").await.is_empty());
    let path = format!("/v1/queues/sends/lanes/{ACCOUNT}/limit");
    assert_eq!(api.delete(&path, &api.a.key).await.status, StatusCode::OK);
    assert_eq!(api.delete(&path, &api.a.key).await.status, StatusCode::OK, "twice is once");
    assert!(listed(&api, &api.a.key, "sends/limits").await.is_empty());
    let log = api.audited(api.a.id).await;
    assert_eq!(log[..2], ["queues.set_limit sends", "queues.clear_limit sends"]);
}

#[tokio::test]
async fn what_the_operator_has_set_is_not_the_tenants_to_change() {
    let api = TestApi::new().await;
    let (a, whole) = (api.a.id, "sends/lanes/*/limit");
    let plan = json!({ "rate_per_second": 1.0, "weight": 4.0, "max_waiting": 1000 });
    assert_eq!(put(&api, SYSTEM_KEY, &format!("{whole}?tenant_id={a}"), plan).await.status, StatusCode::OK);
    for reply in [
        put(&api, &api.a.key, whole, json!({ "rate_per_second": 1000.0 })).await,
        api.delete(&format!("/v1/queues/{whole}"), &api.a.key).await,
        put(&api, &api.b.key, whole, json!({ "weight": 4.0 })).await,
        put(&api, &api.b.key, whole, json!({ "max_waiting": 4 })).await,
        put(&api, &api.b.key, "sends/lanes/*/limit?shared=true", json!({ "concurrency": 4 })).await,
    ] {
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "forbidden"), "{}", reply.text);
    }
    let own = put(&api, &api.b.key, whole, json!({ "rate_per_second": 10.0 })).await;
    assert_eq!(
        (own.status, &own.body["burst"]),
        (StatusCode::OK, &json!(10)),
        "what is not the plan's is the tenant's own"
    );
    let seen = listed(&api, &api.a.key, "sends/limits").await;
    assert_eq!((&seen[0]["set_by"], &seen[0]["limit"]["weight"]), (&json!("system"), &json!(4.0)));
}

#[tokio::test]
async fn hours_that_the_operator_has_set_in_every_queue_are_not_the_tenants_to_widen_in_one() {
    let api = TestApi::new().await;
    let hours = |days: Value| {
        let openings = json!([{ "days": days, "opens": "09:00", "closes": "17:00" }]);
        json!({ "hours": { "timezone": "Europe/Berlin", "openings": openings } })
    };
    let (everywhere, here) = (format!("*/lanes/*/limit?tenant_id={}", api.a.id), "sends/lanes/*/limit");
    let set = put(&api, SYSTEM_KEY, &everywhere, hours(json!(["monday"]))).await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text);
    let wider = put(&api, &api.a.key, here, hours(json!(["monday", "sunday"]))).await;
    assert_eq!((wider.status, wider.code()), (StatusCode::FORBIDDEN, "forbidden"), "{}", wider.text);
    let own = put(&api, &api.a.key, here, json!({ "concurrency": 4 })).await;
    assert_eq!(own.status, StatusCode::OK, "what says nothing of hours is the tenant's own: {}", own.text);
    let others = put(&api, &api.b.key, here, hours(json!(["sunday"]))).await;
    assert_eq!(others.status, StatusCode::OK, "{}", others.text);
}

#[tokio::test]
async fn what_cannot_be_set_says_which_field() {
    let api = TestApi::new().await;
    let of_a = format!("?tenant_id={}", api.a.id);
    let cases = [
        (format!("sends/lanes/{ACCOUNT}/limit{of_a}"), json!({ "weight": 2.0 }), "/weight"),
        (format!("*/lanes/*/limit{of_a}"), json!({ "concurrency": 2 }), "queue"),
        (format!("sends/lanes/a/limit{of_a}"), json!({ "burst": 2 }), "/burst"),
        (
            format!("sends/lanes/a/limit{of_a}"),
            json!({ "hours": { "timezone": "Middle/Earth", "openings": [{ "days": ["monday"], "opens": "09:00", "closes": "10:00" }] } }),
            "/hours/timezone",
        ),
        (format!("sends/lanes/a~b~c~d~e~f~g/limit{of_a}"), json!({ "concurrency": 2 }), "lane"),
    ];
    for (path, body, pointer) in cases {
        let reply = put(&api, SYSTEM_KEY, &path, body).await;
        assert_eq!(
            (reply.code(), &reply.body["errors"][0]["pointer"]),
            ("validation_failed", &json!(pointer)),
            "{}",
            reply.text
        );
    }
    let nobody = put(&api, SYSTEM_KEY, "sends/lanes/*/limit", json!({ "concurrency": 1 })).await;
    assert_eq!(nobody.code(), "invalid_request", "{}", nobody.text);
    assert_eq!(
        put(&api, SYSTEM_KEY, "nothing/lanes/*/limit?shared=true", json!({})).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_operator_sees_everybodys_and_pages_through_them() {
    let api = TestApi::new().await;
    for n in 0..60 {
        for key in [&api.a.key, &api.b.key] {
            let set = put(&api, key, &format!("sends/lanes/lane{n:02}/limit"), json!({ "concurrency": 1 })).await;
            assert_eq!(set.status, StatusCode::OK, "{}", set.text);
        }
    }
    put(&api, SYSTEM_KEY, "sends/lanes/*/limit?shared=true", json!({ "concurrency": 500 })).await;
    let first = api.get("/v1/queues/sends/limits", SYSTEM_KEY).await;
    assert_eq!((first.body["data"].as_array().unwrap().len(), &first.body["has_more"]), (100, &json!(true)));
    assert_eq!((&first.body["data"][0]["tenant_id"], &first.body["data"][0]["lane"]), (&Value::Null, &json!("")));
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = listed(&api, SYSTEM_KEY, &format!("sends/limits?cursor={cursor}")).await;
    assert_eq!(rest.len(), 21);
    assert_eq!(listed(&api, SYSTEM_KEY, "sends/limits?shared=true").await.len(), 1);
    assert_eq!(listed(&api, SYSTEM_KEY, &format!("sends/limits?tenant_id={}", api.b.id)).await.len(), 60);
    assert_eq!(api.get("/v1/queues/sends/limits?cursor=zz", SYSTEM_KEY).await.code(), "invalid_cursor");
}

#[tokio::test]
async fn a_drain_says_how_many_still_run_and_waits_for_them() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    api.accept(api.a.id).await;
    let running = api.claim(1).await;
    let more = api.accept(api.a.id).await;
    let drain = json!({ "reason": "A deploy." });
    let first = api.post("/v1/queues/sends/drain", &api.a.key, &drain).await;
    assert_eq!((&first.body["running"], &first.body["drained"]), (&json!(1), &json!(false)), "{}", first.text);
    assert!(api.claim(5).await.is_empty(), "nothing more starts");
    let wait = [("prefer", "wait=20")];
    let waiting = api.send(Method::POST, "/v1/queues/sends/drain", Some(&api.a.key), Some(&drain), &wait);
    let ending = async {
        let lease = (running[0].id, running[0].token);
        api.app.db.dispatcher().lanes().ack("sends", &[lease]).await.unwrap();
    };
    let (drained, ()) = tokio::join!(waiting, ending);
    assert_eq!((&drained.body["running"], &drained.body["drained"]), (&json!(0), &json!(true)), "{}", drained.text);
    assert_eq!(drained.body["pauses"][0]["reason"], "A deploy.");
    api.post("/v1/queues/sends/resume", &api.a.key, &json!({})).await;
    let claimed = api.claim(5).await;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [patchbay_db::TypedId::uuid(more)]);
}

#[tokio::test]
async fn a_drain_of_a_kind_or_of_what_all_share_misses_nothing_that_runs() {
    let api = TestApi::new().await;
    // This worker lists no running job: what it says of itself is older than the claim.
    api.serve(&["messages.send"]).await;
    api.accept(api.a.id).await;
    let running = api.claim(1).await;
    let scopes = [
        json!({ "reason": "A provider leaves.", "kind": "messages.send" }),
        json!({ "reason": "A provider leaves.", "lane": ACCOUNT, "shared": true }),
    ];
    for scope in &scopes {
        let drain = api.post("/v1/queues/sends/drain", SYSTEM_KEY, scope).await;
        assert_eq!((&drain.body["running"], &drain.body["drained"]), (&json!(1), &json!(false)), "{}", drain.text);
    }
    let others = json!({ "reason": "Another.", "lane": "another", "shared": true });
    assert_eq!(api.post("/v1/queues/sends/drain", SYSTEM_KEY, &others).await.body["drained"], true);
    api.app.db.dispatcher().lanes().ack("sends", &[(running[0].id, running[0].token)]).await.unwrap();
    for scope in &scopes {
        let drain = api.post("/v1/queues/sends/drain", SYSTEM_KEY, scope).await;
        assert_eq!((&drain.body["running"], &drain.body["drained"]), (&json!(0), &json!(true)), "{}", drain.text);
    }
}

#[tokio::test]
async fn what_the_pause_of_its_kind_parks_does_not_run() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let (running, parked) = (api.accept(api.a.id).await, api.accept(api.b.id).await);
    assert_eq!(api.claim(2).await.len(), 2);
    let drain = json!({ "reason": "A change.", "kind": "messages.send" });
    api.set(api.b.id, parked, "state = 'held', held_by = 'kind_pause', held_reason = 'x'").await;
    assert_eq!(api.post("/v1/queues/sends/drain", SYSTEM_KEY, &drain).await.body["running"], 1);
    api.set(api.a.id, running, "state = 'held', held_by = 'operator', held_reason = 'x'").await;
    let held = api.post("/v1/queues/sends/drain", SYSTEM_KEY, &drain).await;
    assert_eq!(held.body["running"], 1, "a hold stops nothing that runs");
}

#[tokio::test]
async fn kinds_and_what_all_share_are_stopped_by_the_operator_only() {
    let api = TestApi::new().await;
    for body in
        [json!({ "reason": "x", "kind": "messages.send" }), json!({ "reason": "x", "lane": "a", "shared": true })]
    {
        let reply = api.post("/v1/queues/sends/pause", &api.a.key, &body).await;
        assert_eq!((reply.status, reply.code()), (StatusCode::FORBIDDEN, "forbidden"));
        let reply = api.post("/v1/queues/sends/pause", SYSTEM_KEY, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    }
    let both = json!({ "reason": "x", "kind": "messages.send", "lane": "a", "shared": true });
    assert_eq!(api.post("/v1/queues/sends/pause", SYSTEM_KEY, &both).await.code(), "validation_failed");
}
