//! Rates, pauses, penalties, tokens.

use std::time::{Duration, Instant};

use chrono::Utc;
use patchbay_queue::lanes::{Blocker, BreakerRule, Limit, PauseScope, RateLimit, Report, Waiting};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, Work, World};

async fn lane_of(world: &World, tenant: Uuid, lane: &str, jobs: usize, cost: i32) -> Vec<NewJob> {
    let jobs: Vec<NewJob> = (0..jobs)
        .map(|_| JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).lane(lane).cost(cost).into())
        .collect();
    world.enqueue(&jobs).await;
    jobs
}

fn name(tenant: Uuid, lane: &str) -> LaneName {
    LaneName { tenant, lane: lane.into() }
}

#[tokio::test]
async fn a_lane_is_held_to_its_rate_and_others_are_not() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let limit = RateLimit { lane: name(tenant, "slow"), rate_per_second: 20.0, burst: 5 };
    world.lanes.set_rates(QUEUE, &[limit]).await.unwrap();
    lane_of(&world, tenant, "slow", 60, 1).await;
    lane_of(&world, tenant, "free", 50, 1).await;
    let doer = Doer::default();
    let begun = Instant::now();
    let worker = world.work(doer.registry(), 32);
    world.until_count("succeeded", 110).await;
    let took = begun.elapsed();
    worker.stop().await;
    // 55 jobs beyond the burst at 20 a second.
    assert!(took >= Duration::from_millis(2_600), "{took:?}");
    assert!(took <= Duration::from_millis(6_000), "{took:?}");
}

#[tokio::test]
async fn a_rate_counts_cost() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    world
        .lanes
        .set_rates(QUEUE, &[RateLimit { lane: name(tenant, ""), rate_per_second: 0.01, burst: 10 }])
        .await
        .unwrap();
    lane_of(&world, tenant, "", 10, 4).await;
    assert_eq!(world.claim(10).await.len(), 2, "two of cost four fit into a burst of ten");
}

#[tokio::test]
async fn a_changed_rate_holds_for_work_already_waiting() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let rate = |rate_per_second| RateLimit { lane: name(tenant, "s"), rate_per_second, burst: 1 };
    world.lanes.set_rates(QUEUE, &[rate(0.001)]).await.unwrap();
    lane_of(&world, tenant, "s", 30, 1).await;
    assert_eq!(world.claim(30).await.len(), 1);
    assert_eq!(world.claim(30).await.len(), 0);
    let (revision, now) = (world.lanes.revision(QUEUE).await.unwrap(), world.lanes.time(QUEUE).await.unwrap());
    assert!(world.lanes.replace_limits(QUEUE, revision, now, &[]).await.unwrap());
    assert_eq!(world.claim(30).await.len(), 29);
}

#[tokio::test]
async fn what_is_paused_is_not_served_until_it_is_resumed() {
    let world = World::new().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    lane_of(&world, tenant, "a", 1, 1).await;
    lane_of(&world, tenant, "b", 1, 1).await;
    lane_of(&world, other, "", 1, 1).await;
    let lane = PauseScope::Lane(name(tenant, "a"));
    for scope in [PauseScope::Queue, PauseScope::Tenant(tenant), lane.clone()] {
        world.lanes.pause(QUEUE, &scope, None).await.unwrap();
    }
    assert_eq!(world.claim(9).await.len(), 0);
    world.lanes.resume(QUEUE, &PauseScope::Queue).await.unwrap();
    assert_eq!(world.claim(9).await.iter().map(|j| j.header.tenant).collect::<Vec<_>>(), [other]);
    world.lanes.resume(QUEUE, &PauseScope::Tenant(tenant)).await.unwrap();
    assert_eq!(world.claim(9).await.iter().map(|j| j.header.lane.as_str()).collect::<Vec<_>>(), ["b"]);
    world.lanes.resume(QUEUE, &lane).await.unwrap();
    assert_eq!(world.claim(9).await.len(), 1);
}

#[tokio::test]
async fn an_emptied_redis_starts_nothing_before_it_knows_the_pauses_and_limits() {
    let world = World::new().await;
    let (paused, limited) = (Uuid::now_v7(), Uuid::now_v7());
    let until = Utc::now() + chrono::TimeDelta::milliseconds(1_500);
    let limit = RateLimit { lane: name(limited, ""), rate_per_second: 0.001, burst: 5 };
    let mut conn = world.ledger.get().await.unwrap();
    controls::pause(&mut conn, QUEUE, &PauseScope::Tenant(paused), Some(until), "audit", "op").await.unwrap();
    controls::set_rate(&mut conn, QUEUE, &limit).await.unwrap();
    drop(conn);
    world.lanes.forget(QUEUE).await.unwrap();
    let jobs = lane_of(&world, paused, "", 1, 1).await;
    lane_of(&world, limited, "", 9, 1).await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(doer.count(), 0, "nobody has opened the queue");
    let _keeper = world.keep();
    let view = world.until(jobs[0].id, &["succeeded"]).await;
    assert!(view.started_at.unwrap() >= until);
    worker.stop().await;
    assert_eq!(doer.count(), 1, "a bucket that was forgotten begins empty");
}

/// Waits until the ledger knows of so many stops.
async fn until_noted(world: &World, stops: usize) {
    let mut conn = world.ledger.get().await.unwrap();
    while controls::stops(&mut conn, QUEUE).await.unwrap().len() < stops {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_emptied_redis_is_told_of_penalties_and_open_breakers_before_anything_starts() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let rule = BreakerRule { failures: 1, within: Duration::from_secs(60), open_for: Duration::from_millis(4_500) };
    let limit = Limit { breaker: Some(rule), ..Limit::new(name(tenant, "b")) };
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &limit).await.unwrap();
    world.lanes.set_limits(QUEUE, &[limit]).await.unwrap();
    let until_ms = world.lanes.time(QUEUE).await.unwrap().timestamp_millis() + 4_000;
    world.lanes.penalise(QUEUE, &name(tenant, "a"), until_ms).await.unwrap();
    let broken = world.lanes.report(QUEUE, &name(tenant, "b"), Report::Failure).await.unwrap().unwrap();
    let penalised = lane_of(&world, tenant, "a", 1, 1).await;
    let resting = lane_of(&world, tenant, "b", 1, 1).await;
    let keeping = world.keep();
    until_noted(&world, 2).await;
    drop(keeping);

    world.lanes.forget(QUEUE).await.unwrap();
    let _another = world.keep();
    let worker = world.work(Doer::default().registry(), 4);
    let ran = world.until(penalised[0].id, &["succeeded"]).await;
    assert!(ran.started_at.unwrap().timestamp_millis() >= until_ms);
    let ran = world.until(resting[0].id, &["succeeded"]).await;
    assert!(ran.started_at.unwrap().timestamp_millis() >= broken);
    worker.stop().await;
}

#[tokio::test]
async fn a_penalty_holds_a_lane_and_runs_out() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs = lane_of(&world, tenant, "s", 2, 1).await;
    let until = Utc::now().timestamp_millis() + 400;
    world.lanes.penalise(QUEUE, &name(tenant, "s"), until).await.unwrap();
    assert_eq!(world.claim(2).await.len(), 0);
    let why = world.lanes.explain(QUEUE, jobs[1].id, &name(tenant, "s")).await.unwrap();
    let Waiting::InLane(place) = why else { panic!("{why:?}") };
    assert_eq!((place.position, place.blocks[0].by, place.blocks[0].until_ms), (1, Blocker::Penalised, Some(until)));
    let worker = world.work(Doer::default().registry(), 2);
    world.until_count("succeeded", 2).await;
    assert!(Utc::now().timestamp_millis() >= until);
    worker.stop().await;
}

#[tokio::test]
async fn a_shorter_penalty_does_not_end_a_longer_one() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs = lane_of(&world, tenant, "s", 1, 1).await;
    let now = Utc::now().timestamp_millis();
    world.lanes.penalise(QUEUE, &name(tenant, "s"), now + 60_000).await.unwrap();
    world.lanes.penalise(QUEUE, &name(tenant, "s"), now + 1_000).await.unwrap();
    let why = world.lanes.explain(QUEUE, jobs[0].id, &name(tenant, "s")).await.unwrap();
    let Waiting::InLane(place) = why else { panic!("{why:?}") };
    assert_eq!(place.blocks[0].until_ms, Some(now + 60_000));
}

#[tokio::test]
async fn penalties_of_keys_that_nobody_has_jobs_for_do_not_stay_for_ever() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let now = Utc::now().timestamp_millis();
    for n in 0..100 {
        world.lanes.penalise(QUEUE, &name(tenant, &format!("gone-{n}")), now + 1).await.unwrap();
    }
    for n in 0..200 {
        world.lanes.penalise(QUEUE, &name(tenant, &format!("s-{}", n % 3)), now + 60_000).await.unwrap();
    }
    let mut redis = world.redis().await;
    let left: usize = redis::cmd("HLEN").arg(world.key("penalty")).query_async(&mut redis).await.unwrap();
    assert!((3..=10).contains(&left), "{left}");
}

#[tokio::test]
async fn tokens_are_taken_up_to_the_burst_and_shared_with_the_claim() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    world
        .lanes
        .set_rates(QUEUE, &[RateLimit { lane: name(tenant, "s"), rate_per_second: 0.01, burst: 10 }])
        .await
        .unwrap();
    assert_eq!(world.lanes.take_tokens(QUEUE, &name(tenant, "s"), 7).await.unwrap().units, 7);
    let rest = world.lanes.take_tokens(QUEUE, &name(tenant, "s"), 7).await.unwrap();
    assert_eq!(rest.units, 3);
    let none = world.lanes.take_tokens(QUEUE, &name(tenant, "s"), 1).await.unwrap();
    assert!(none.units == 0 && none.retry_at_ms > Utc::now().timestamp_millis());
    lane_of(&world, tenant, "s", 1, 1).await;
    assert_eq!(world.claim(1).await.len(), 0);
    assert_eq!(world.lanes.take_tokens(QUEUE, &name(tenant, "t"), 99).await.unwrap().units, 99);
}
