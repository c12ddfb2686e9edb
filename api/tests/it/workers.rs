//! Who works, and how much there is to do.

use std::time::{Duration, Instant};

use patchbay_queue::{Keeper, KeeperSettings};
use poem::http::StatusCode;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{SYSTEM_KEY, TestApi};

#[tokio::test]
async fn the_operator_sees_who_works_and_with_how_much() {
    let api = TestApi::new().await;
    assert_eq!(api.get("/v1/workers", SYSTEM_KEY).await.body["data"], json!([]));
    api.serve(&["messages.send"]).await;
    let workers = api.get("/v1/workers", SYSTEM_KEY).await;
    let queue = &workers.body["data"][0]["queues"][0];
    assert_eq!((&queue["queue"], &queue["concurrency"]), (&json!("sends"), &json!(8)), "{}", workers.text);
    assert_eq!(queue["kinds"], json!([{ "kind": "messages.send", "version": 1 }]));
    for path in ["/v1/autoscale", "/v1/queues/sends/tenants"] {
        assert_eq!(api.get(path, &api.a.key).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_tenant_sees_the_workers_that_run_its_jobs_and_nothing_else_of_them() {
    let api = TestApi::new().await;
    let (own, others) = (api.accept(api.a.id).await, api.accept(api.b.id).await);
    api.serve_running(&["messages.send"], &[(api.b.id, others)]).await;
    assert_eq!(api.get("/v1/workers", &api.a.key).await.body["data"], json!([]), "it runs another's");
    api.serve_running(&["messages.send"], &[(api.a.id, own), (api.b.id, others)]).await;
    let seen = api.get("/v1/workers", &api.a.key).await;
    let worker = &seen.body["data"][0];
    assert_eq!(worker["id"], "3fa9c2", "{}", seen.text);
    for ours in [&worker["host"], &worker["pid"], &worker["version"], &worker["queues"][0]["concurrency"]] {
        assert_eq!(ours, &json!(null), "{}", seen.text);
    }
    assert_eq!(worker["queues"][0]["running"], 1);
    assert_eq!(worker["queues"][0]["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(worker["queues"][0]["jobs"][0]["id"], own.to_string());
    assert!(!seen.text.contains(&others.to_string()) && !seen.text.contains(&api.b.id.to_string()), "{}", seen.text);
    // The operator may look at one tenant's part, a tenant at its own only.
    let part = format!("/v1/workers?tenant_id={}", api.b.id);
    let seen = api.get(&part, SYSTEM_KEY).await;
    assert_eq!(seen.body["data"][0]["host"], "here", "{}", seen.text);
    assert_eq!(seen.body["data"][0]["queues"][0]["jobs"][0]["id"], others.to_string());
    assert_eq!(api.get(&part, &api.a.key).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_load_of_a_queue_is_one_number_for_whoever_asks_for_one() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    for tenant in [api.a.id, api.a.id, api.b.id] {
        api.accept(tenant).await;
    }
    assert_eq!(api.claim(1).await.len(), 1);
    let all = api.get("/v1/autoscale", SYSTEM_KEY).await;
    assert_eq!(all.body["backlog"], 2, "{}", all.text);
    assert!(all.body["queues"].as_array().unwrap().len() > 3);
    let one = api.get("/v1/autoscale?queue=sends", SYSTEM_KEY).await;
    let queue = &one.body["queues"][0];
    assert_eq!((&one.body["backlog"], &queue["running"], &queue["slots"]), (&json!(2), &json!(1), &json!(8)));
    assert!(queue["oldest_age_seconds"].as_i64().unwrap() < 60);
    assert_eq!(api.get("/v1/autoscale?queue=nothing", SYSTEM_KEY).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_oldest_of_more_lanes_than_are_looked_at_is_known_once_the_dispatcher_has_looked() {
    let api = TestApi::new().await;
    let lanes = api.app.db.dispatcher().lanes();
    let mut last = None;
    for lane in 0..300 {
        last = Some(api.accept_as(api.a.id, |job| job.lane(format!("{lane:03}"))).await);
    }
    api.set(api.a.id, last.unwrap(), "created_at = now() - interval '1 day', run_at = now() - interval '1 hour'").await;
    let pools = patchbay_db::Pools::new(api.db.config()).unwrap();
    let keeper = Keeper::new(lanes.clone(), pools.system().clone(), KeeperSettings::new("a test's keeper"));
    let stop = CancellationToken::new();
    let _until_the_end = stop.clone().drop_guard();
    tokio::spawn(keeper.run(stop));
    for path in ["/v1/autoscale?queue=sends", "/v1/queues/sends"] {
        let began = Instant::now();
        loop {
            let told = api.get(path, SYSTEM_KEY).await;
            let age = told.body["oldest_age_seconds"].as_i64().unwrap();
            if (3_600..3_660).contains(&age) {
                break;
            }
            assert!(age < 60 && began.elapsed() < Duration::from_secs(30), "{}", told.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn rates_are_those_since_somebody_looked_before() {
    let api = TestApi::new().await;
    api.serve(&["messages.send"]).await;
    let first = api.get("/v1/autoscale?queue=sends", SYSTEM_KEY).await;
    assert_eq!(first.body["queues"][0]["arrived_per_second"], json!(null));
    for _ in 0..4 {
        api.accept(api.a.id).await;
    }
    let leases: Vec<_> = api.claim(2).await.into_iter().map(|job| (job.id, job.token)).collect();
    api.app.db.dispatcher().lanes().ack("sends", &leases).await.unwrap();
    let then = api.get("/v1/autoscale?queue=sends", SYSTEM_KEY).await;
    let rate = |name: &str| then.body["queues"][0][name].as_f64().unwrap();
    let ratio = rate("arrived_per_second") / rate("finished_per_second");
    assert!((ratio - 2.0).abs() < 1e-6, "four came, two went: {}", then.text);
}
