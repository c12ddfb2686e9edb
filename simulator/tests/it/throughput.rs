//! A number sends so fast: what is more waits in turn, and beyond its queue is refused.

use serde_json::{Value, json};

use crate::support::{ACCOUNT, FROM, PHONE, World};

async fn limited(throughput: Value) -> World {
    let world = World::new().await;
    let settings = json!({"number_throughput": {FROM: throughput}});
    let (status, _) = world.control("PUT", &format!("/accounts/{ACCOUNT}"), settings).await;
    assert_eq!(status, 200);
    world
}

#[tokio::test]
async fn beyond_the_queue_is_429_and_makes_nothing() {
    let world = limited(json!({"segments_per_second": 0.001, "queue_segments": 2})).await;
    for _ in 0..3 {
        assert_eq!(world.text(PHONE, "b").await.0, 201);
    }
    let (status, error) = world.text(PHONE, "b").await;
    assert_eq!((status, &error["code"]), (429, &json!(20429)));
    let other = [("To", PHONE), ("From", "+14155550001"), ("Body", "b")];
    assert_eq!(world.send(&other).await.0, 201, "another number has its own queue");
    assert_eq!(world.sim.counts().accepted, 4);
}

#[tokio::test]
async fn what_waits_stays_queued() {
    let world = limited(json!({"segments_per_second": 0.001})).await;
    world.text(PHONE, "first").await;
    let (_, second) = world.text(PHONE, "second").await;
    while world.sim.counts().delivered == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.status(&second["sid"]).await, "queued");
}

#[tokio::test]
async fn segments_are_what_counts() {
    let world = limited(json!({"segments_per_second": 3.0, "queue_segments": 0})).await;
    assert_eq!(world.text(PHONE, &"a".repeat(400)).await.1["num_segments"], "3");
    assert_eq!(world.text(PHONE, "b").await.0, 429);
}

#[tokio::test]
async fn overflow_may_be_21611_or_a_late_30001() {
    let world = limited(json!({"segments_per_second": 0.001, "queue_segments": 0, "overflow": "queue_full"})).await;
    world.text(PHONE, "b").await;
    let (status, error) = world.text(PHONE, "b").await;
    assert_eq!((status, &error["code"]), (429, &json!(21611)));

    let world = limited(json!({"segments_per_second": 0.001, "queue_segments": 0, "overflow": "fail_later"})).await;
    world.text(PHONE, "b").await;
    let (status, message) = world.text(PHONE, "b").await;
    assert_eq!(status, 201);
    world.sim.quiet().await;
    assert_eq!(world.status(&message["sid"]).await, "failed");
    assert_eq!(world.sim.counts().failed_by_code[&30001], 1);
}

#[tokio::test]
async fn what_would_wait_beyond_its_validity_fails_with_30036() {
    let world = limited(json!({"segments_per_second": 0.001})).await;
    world.text(PHONE, "first").await;
    let form = [("To", PHONE), ("From", FROM), ("Body", "second"), ("ValidityPeriod", "1")];
    let (_, message) = world.send(&form).await;
    world.sim.quiet().await;
    let (_, now) = world.get(&format!("/Messages/{}.json", message["sid"].as_str().unwrap())).await;
    assert_eq!((&now["status"], &now["error_code"]), (&json!("failed"), &json!(30036)));
}
