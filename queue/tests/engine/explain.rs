//! Why a job waits: what is told is what a claim finds.

use std::time::Duration;

use chrono::Utc;
use patchbay_queue::lanes::{Block, Blocker, BreakerRule, Key, Limit, PauseScope, Place, Report, Waiting};
use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{Bare, Q, key, most, rate, shared};

async fn place(bare: &Bare, job: &Envelope) -> Place {
    let lane = key(job.header.tenant, &job.header.lane);
    match bare.lanes.explain(Q, job.id, &lane).await.unwrap() {
        Waiting::InLane(place) => place,
        other => panic!("{other:?}"),
    }
}

/// The only thing in the way of `job`.
async fn block(bare: &Bare, job: &Envelope) -> Block {
    let mut blocks = place(bare, job).await.blocks;
    assert_eq!(blocks.len(), 1, "{blocks:?}");
    assert!(bare.take(9).await.is_empty(), "it is not taken either");
    blocks.remove(0)
}

#[tokio::test]
async fn in_turn_running_and_elsewhere() {
    let bare = Bare::new().await;
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    let ours = bare.fill(a, "pa~1", 3).await;
    let theirs = bare.fill(b, "", 1).await;
    let place = place(&bare, &ours[2]).await;
    assert_eq!((place.position, place.blocks), (2, vec![]));
    assert!(place.tenants_ahead.is_some_and(|ahead| ahead <= 1));
    let elsewhere = bare.lanes.explain(Q, Uuid::now_v7(), &key(a, "pa~1")).await.unwrap();
    assert_eq!(elsewhere, Waiting::Elsewhere { blocks: vec![] });
    assert_eq!(bare.take(4).await.len(), 4);
    let running = bare.lanes.explain(Q, theirs[0].id, &key(b, "")).await.unwrap();
    assert_eq!(running, Waiting::Running { worker: "by-hand".into() });
}

#[tokio::test]
async fn a_job_that_is_elsewhere_is_told_what_its_lane_waits_for() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(most(key(tenant, "pa"), 1)).await;
    bare.fill(tenant, "pa~1", 1).await;
    assert_eq!(bare.take(9).await.len(), 1);
    // Nothing of the lane is left in Redis but what runs.
    let elsewhere = bare.lanes.explain(Q, Uuid::now_v7(), &key(tenant, "pa~1")).await.unwrap();
    let by = Blocker::Concurrency { limit: 1, running: 1 };
    let block = Block { by, key: Key::Lane("pa".into()), until_ms: None };
    assert_eq!(elsewhere, Waiting::Elsewhere { blocks: vec![block] });
}

#[tokio::test]
async fn a_closed_queue() {
    let bare = Bare::closed();
    let job = bare.fill(Uuid::now_v7(), "", 1).await.remove(0);
    assert_eq!(block(&bare, &job).await, Block { by: Blocker::Closed, key: Key::Queue, until_ms: None });
}

#[tokio::test]
async fn each_pause_with_its_key_and_end() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let job = bare.fill_with(tenant, "pa~1", 1, 1, "kind").await.remove(0);
    let until = Utc::now().timestamp_millis() + 60_000;
    for (scope, place) in [
        (PauseScope::Queue, Key::Queue),
        (PauseScope::Tenant(tenant), Key::Tenant),
        (PauseScope::Lane(key(tenant, "pa")), Key::Lane("pa".into())),
        (PauseScope::Lane(shared("pa~1")), Key::Shared("pa~1".into())),
    ] {
        bare.lanes.pause(Q, &scope, None).await.unwrap();
        assert_eq!(block(&bare, &job).await, Block { by: Blocker::Paused, key: place.clone(), until_ms: None });
        bare.lanes.pause(Q, &scope, Some(until)).await.unwrap();
        assert_eq!(block(&bare, &job).await, Block { by: Blocker::Paused, key: place, until_ms: Some(until) });
        bare.lanes.resume(Q, &scope).await.unwrap();
    }
    bare.lanes.pause(Q, &PauseScope::Kind("kind".into()), None).await.unwrap();
    let kind = Block { by: Blocker::Paused, key: Key::Kind("kind".into()), until_ms: None };
    assert_eq!(place(&bare, &job).await.blocks, [kind]);
}

#[tokio::test]
async fn a_used_up_rate_and_its_end() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.limit(rate(shared("pa"), 0.5, 4)).await;
    let jobs = bare.fill_with(tenant, "pa~1", 3, 4, "k").await;
    assert_eq!(bare.take(1).await.len(), 1);
    let block = block(&bare, &jobs[2]).await;
    assert_eq!((block.by, &block.key), (Blocker::Rate { per_second: 0.5, burst: 4.0 }, &Key::Shared("pa".into())));
    let wait = block.until_ms.unwrap() - Utc::now().timestamp_millis();
    assert!((7_000..=8_000).contains(&wait), "four units at one in two seconds: {wait}");
}

#[tokio::test]
async fn as_many_run_as_may() {
    let bare = Bare::new().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    bare.limit(most(shared("pa"), 2)).await;
    bare.fill(other, "pa", 2).await;
    let running = bare.take(2).await;
    let job = bare.fill(tenant, "pa", 1).await.remove(0);
    let by = Blocker::Concurrency { limit: 2, running: 2 };
    assert_eq!(block(&bare, &job).await, Block { by, key: Key::Shared("pa".into()), until_ms: None });
    bare.ack(&running).await;
    assert_eq!(place(&bare, &job).await.blocks, []);
    assert_eq!(bare.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_penalty_and_an_open_breaker() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let job = bare.fill(tenant, "pa~1", 1).await.remove(0);
    let until = Utc::now().timestamp_millis() + 300;
    bare.lanes.penalise(Q, &key(tenant, "pa~1"), until).await.unwrap();
    let penalty = Block { by: Blocker::Penalised, key: Key::Lane("pa~1".into()), until_ms: Some(until) };
    assert_eq!(block(&bare, &job).await, penalty);
    let rule = BreakerRule { failures: 1, within: Duration::from_secs(1), open_for: Duration::from_secs(30) };
    bare.limit(Limit { breaker: Some(rule), ..Limit::new(key(tenant, "pa")) }).await;
    let open = bare.lanes.report(Q, &key(tenant, "pa"), Report::Failure).await.unwrap();
    tokio::time::sleep(Duration::from_millis(320)).await;
    let breaker = Block { by: Blocker::Breaker, key: Key::Lane("pa".into()), until_ms: open };
    assert_eq!(block(&bare, &job).await, breaker);
}

#[tokio::test]
async fn of_several_the_longest_is_first() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    let job = bare.fill(tenant, "pa", 1).await.remove(0);
    let now = Utc::now().timestamp_millis();
    bare.lanes.penalise(Q, &key(tenant, "pa"), now + 5_000).await.unwrap();
    bare.lanes.pause(Q, &PauseScope::Tenant(tenant), Some(now + 9_000)).await.unwrap();
    bare.lanes.pause(Q, &PauseScope::Queue, None).await.unwrap();
    let keys: Vec<Key> = place(&bare, &job).await.blocks.into_iter().map(|block| block.key).collect();
    assert_eq!(keys, [Key::Queue, Key::Tenant, Key::Lane("pa".into())]);
}
