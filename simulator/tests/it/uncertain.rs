//! Sends whose outcome the sender cannot know: the ledger knows, and a look-up tells.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{FROM, PHONE, Receiver, World};

#[tokio::test]
async fn accepted_then_dropped_made_a_message_that_a_look_up_finds() {
    let (world, receiver) = (World::new().await, Receiver::new().await);
    let to = "+15005550108";
    let form = [("To", to), ("From", FROM), ("Body", "uncertain"), ("StatusCallback", &*receiver.url)];
    let error = world.try_send(&form).await.unwrap_err();
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
    let (_, list) = world.get("/Messages.json?To=%2B15005550108").await;
    assert_eq!(list["messages"].as_array().unwrap().len(), 1);
    assert_eq!(list["messages"][0]["body"], "uncertain");
    world.sim.quiet().await;
    assert_eq!(receiver.statuses(), ["sent", "delivered"]);

    assert_eq!(world.send(&form).await.0, 201);
    let counts = world.sim.counts();
    assert_eq!((counts.accepted, counts.answers_dropped, counts.duplicates), (2, 1, 1));
}

#[tokio::test]
async fn reset_before_acceptance_made_nothing() {
    let world = World::new().await;
    let form = [("To", "+15005550111"), ("From", FROM), ("Body", "b")];
    let error = world.try_send(&form).await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    let counts = world.sim.counts();
    assert_eq!((counts.requests, counts.resets, counts.accepted), (1, 1, 0));
    assert_eq!(world.send(&form).await.0, 201);
}

#[tokio::test]
async fn a_hanging_answer_comes_after_the_message_was_made() {
    let world = World::new().await;
    let rule = json!({"rules": [{"fault": "hang", "ms": 2000, "times": 1}]});
    world.control("PUT", "/faults", rule).await;
    let began = Instant::now();
    let form = [("To", PHONE), ("From", FROM), ("Body", "b")];
    let (answer, ()) = tokio::join!(world.send(&form), async {
        while world.sim.counts().delivered == 0 {
            tokio::task::yield_now().await;
        }
        assert!(began.elapsed() < Duration::from_secs(2));
    });
    assert_eq!((answer.0, &answer.1["status"]), (201, &json!("queued")));
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_client_that_gives_up_on_latency_made_nothing() {
    let world = World::new().await;
    world.control("PUT", "/faults", json!({"latency_ms": 600_000})).await;
    let form = [("To", PHONE), ("From", FROM), ("Body", "b")];
    let arrived = async {
        while world.sim.counts().requests == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = world.try_send(&form) => panic!("answered: {answer:?}"),
        () = arrived => {}
    }
    let counts = world.sim.counts();
    assert_eq!((counts.requests, counts.accepted), (1, 0));
}

#[tokio::test]
async fn other_connections_do_not_notice_a_cut() {
    let world = World::new().await;
    let dropped = [("To", "+15005550108"), ("From", FROM), ("Body", "b")];
    let ordinary = [("To", PHONE), ("From", FROM), ("Body", "b")];
    for _ in 0..20 {
        let (_, answer) = tokio::join!(world.try_send(&dropped), world.try_send(&ordinary));
        assert_eq!(answer.unwrap().status(), 201);
        world.control("POST", "/reset", json!(null)).await;
    }
}
