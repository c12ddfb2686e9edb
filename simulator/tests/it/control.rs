//! The control API: faults that strike as often as asked, numbers that break and are repaired, counts that are exact.

use patchbay_simulator::Config;
use serde_json::json;

use crate::support::{ACCOUNT, FROM, PHONE, TOKEN, World};

#[tokio::test]
async fn a_rule_strikes_so_many_times_and_only_its_own() {
    let world = World::new().await;
    let rules = json!({"rules": [{"fault": "reject", "code": 20500, "times": 2, "to": PHONE}]});
    let (status, shown) = world.control("PUT", "/faults", rules).await;
    assert_eq!((status, &shown["rules"][0]["times"]), (200, &json!(2)));
    assert_eq!(world.text("+14155550199", "b").await.0, 201);
    for status in [500, 500, 201] {
        assert_eq!(world.text(PHONE, "b").await.0, status);
    }
    world.control("PUT", "/faults", json!({"rules": [{"fault": "reject", "code": 20429}]})).await;
    assert_eq!(world.text(PHONE, "b").await.0, 429);
    world.control("DELETE", "/faults", json!(null)).await;
    assert_eq!(world.text(PHONE, "b").await.0, 201);
}

#[tokio::test]
async fn an_accounts_faults_stand_in_place_of_the_global_ones() {
    let world = World::new().await;
    world.control("PUT", "/faults", json!({"rules": [{"fault": "reject", "code": 20500}]})).await;
    world.control("PUT", &format!("/faults?account={ACCOUNT}"), json!({})).await;
    assert_eq!(world.text(PHONE, "b").await.0, 201);
    world.control("DELETE", &format!("/faults?account={ACCOUNT}"), json!(null)).await;
    assert_eq!(world.text(PHONE, "b").await.0, 500);
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused_and_change_nothing() {
    let world = World::new().await;
    for wrong in [
        json!({"rules": [{"fault": "reject"}]}),
        json!({"rules": [{"fault": "hang"}]}),
        json!({"rules": [{"fault": "reject", "code": 20500, "rate": 2}]}),
        json!({"rules": [{"fault": "explode"}]}),
        json!({"latency": 5}),
    ] {
        let (status, error) = world.control("PUT", "/faults", wrong.clone()).await;
        assert_eq!((status, &error["code"]), (400, &json!(20001)), "{wrong}");
    }
    assert_eq!(world.text(PHONE, "b").await.0, 201);
}

#[tokio::test]
async fn sends_are_told_with_their_times_whatever_became_of_them() {
    let world = World::new().await;
    world.control("PUT", "/faults", json!({"latency_ms": 30})).await;
    world.text(PHONE, "b").await;
    assert_eq!(world.text("+15005550001", "b").await.0, 400);
    let (status, told) = world.control("GET", &format!("/sends?account={ACCOUNT}"), json!(null)).await;
    assert_eq!((status, &told["forgotten"]), (200, &json!(0)));
    let sends = told["sends"].as_array().unwrap();
    assert_eq!(sends.len(), 2);
    for send in sends {
        let (came, answered) = (send["arrived_ms"].as_i64().unwrap(), send["answered_ms"].as_i64().unwrap());
        assert!(answered >= came + 29, "{send}");
    }
    assert!(sends[1]["arrived_ms"].as_i64() >= sends[0]["answered_ms"].as_i64(), "one after the other");
}

#[tokio::test]
async fn a_marked_number_fails_until_it_is_repaired() {
    let world = World::new().await;
    let path = format!("/numbers/{PHONE}");
    assert_eq!(world.control("PUT", &path, json!({"fail_with": 21211})).await.0, 200);
    assert_eq!(world.text(PHONE, "b").await.1["code"], 21211);
    world.control("PUT", "/numbers/%2B14155550123", json!({"fail_with": 30006})).await;
    let (status, message) = world.text(PHONE, "b").await;
    assert_eq!(status, 201);
    world.sim.quiet().await;
    assert_eq!(world.status(&message["sid"]).await, "undelivered");
    assert_eq!(world.control("DELETE", &path, json!(null)).await.0, 204);
    assert_eq!(world.control("DELETE", &path, json!(null)).await.0, 404);
    let (_, message) = world.text(PHONE, "b").await;
    world.sim.quiet().await;
    assert_eq!(world.status(&message["sid"]).await, "delivered");
}

#[tokio::test]
async fn duplicates_are_listed_with_their_messages() {
    let world = World::new().await;
    let (_, first) = world.text(PHONE, "same").await;
    world.text(PHONE, "other").await;
    world.text("+14155550199", "same").await;
    let (_, none) = world.control("GET", "/duplicates", json!(null)).await;
    assert_eq!(none, json!({"duplicates": 0, "tracking_complete": true, "messages": []}));
    let (_, again) = world.text(PHONE, "same").await;
    let (_, one) = world.control("GET", &format!("/duplicates?account={ACCOUNT}"), json!(null)).await;
    let entry = json!({
        "account_sid": ACCOUNT, "to": PHONE, "body": "same", "count": 2, "sids": [first["sid"], again["sid"]],
    });
    assert_eq!(one, json!({"duplicates": 1, "tracking_complete": true, "messages": [entry]}));
    let counts = world.sim.counts();
    assert_eq!((counts.distinct_bodies, counts.distinct_messages), (2, 3));
}

#[tokio::test]
async fn memory_is_bounded_and_counters_stay_exact() {
    let config = Config { keep_messages: 3, keep_fingerprints: 4, ..Config::default() };
    let world = World::with(config).await;
    for n in 0..6 {
        world.text(PHONE, &n.to_string()).await;
    }
    world.sim.quiet().await;
    let counts = world.sim.counts();
    assert_eq!((counts.accepted, counts.delivered, counts.kept_messages), (6, 6, 3));
    assert_eq!((counts.distinct_messages, counts.tracking_complete), (4, false));
    let (_, list) = world.get("/Messages.json?To=%2B14155550123").await;
    assert_eq!(list["messages"].as_array().unwrap().len(), 3);
    assert_eq!(list["messages"][0]["body"], "5");
}

#[tokio::test]
async fn too_much_pending_work_closes_the_door() {
    let world = World::with(Config { max_pending: 1, delivered_after_ms: 600_000, ..Config::default() }).await;
    assert_eq!(world.text(PHONE, "b").await.0, 201);
    assert_eq!(world.text(PHONE, "b").await.1["code"], 20429);
}

#[tokio::test]
async fn messages_can_be_searched() {
    let world = World::new().await;
    for (to, body) in [(PHONE, "red apple"), (PHONE, "green apple"), ("+14155550199", "red pear")] {
        world.text(to, body).await;
    }
    for (query, expected) in [
        ("?body_contains=red", vec!["red pear", "red apple"]),
        ("?to=%2B14155550123&body_contains=apple&limit=1", vec!["green apple"]),
        ("?from=%2B15005550006&limit=2", vec!["red pear", "green apple"]),
        ("?account=ACnobody", vec![]),
    ] {
        let (_, found) = world.control("GET", &format!("/messages{query}"), json!(null)).await;
        let bodies: Vec<_> = found["messages"].as_array().unwrap().iter().map(|m| &m["body"]).collect();
        assert_eq!(bodies, expected, "{query}");
    }
    assert_eq!(world.sim.bodies_to(PHONE), ["red apple", "green apple"]);
}

#[tokio::test]
async fn a_message_shows_the_trace_that_its_request_came_with() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let world = World::new().await;
    world.text(PHONE, "untraced").await;
    let form = [("To", PHONE), ("From", FROM), ("Body", "traced")];
    let send = world.http.post(world.messages()).basic_auth(ACCOUNT, Some(TOKEN)).form(&form);
    assert_eq!(send.header("traceparent", TRACE).send().await.unwrap().status(), 201);
    let (_, found) = world.control("GET", "/messages", json!(null)).await;
    let traces: Vec<_> = found["messages"].as_array().unwrap().iter().map(|m| m.get("traceparent")).collect();
    assert_eq!(traces, [Some(&json!(TRACE)), None]);
}

#[tokio::test]
async fn reset_forgets_what_happened_and_keeps_who_is_who() {
    let world = World::with(Config { delivered_after_ms: 100, ..Config::default() }).await;
    world.control("PUT", &format!("/numbers/{PHONE}"), json!({"fail_with": 30006})).await;
    world.text(PHONE, "b").await;
    assert_eq!(world.control("POST", "/reset", json!(null)).await.0, 204);
    let counts = world.sim.counts();
    assert_eq!((counts.requests, counts.accepted, counts.kept_messages, counts.distinct_messages), (0, 0, 0, 0));
    world.sim.quiet().await;
    assert_eq!(world.sim.counts().failed, 0, "what was in flight is dropped");
    let answer = world.http.get(world.messages()).basic_auth(ACCOUNT, Some("wrong")).send().await.unwrap();
    assert_eq!(answer.status(), 401, "the token is still known");
    assert_eq!(world.text(PHONE, "b").await.0, 201);
}

#[tokio::test]
async fn probes_and_metrics_answer() {
    let world = World::new().await;
    world.text(PHONE, "b").await;
    world.send(&[("To", "nobody"), ("From", FROM), ("Body", "b")]).await;
    for path in ["/healthz", "/readyz"] {
        let answer = world.http.get(format!("{}{path}", world.sim.base_url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let metrics = world.http.get(format!("{}/metrics", world.sim.base_url)).send().await.unwrap();
    let text = metrics.text().await.unwrap();
    assert!(text.contains("\npatchbay_simulator_accepted_total 1\n"), "{text}");
    assert!(text.contains("patchbay_simulator_rejected_by_code_total{code=\"21211\"} 1\n"), "{text}");
}
