//! Errors, crashes, interruptions: each is counted once, whoever dies between two steps.

use std::time::Duration;

use patchbay_queue::ledger::crash::{Begun, Lost, crash, mark_running};
use patchbay_queue::ledger::promote::promote;
use patchbay_queue::ledger::settle::{End, settle};
use uuid::Uuid;

use crate::told::{attempt, settlement};
use crate::world::{Act, QUEUE, World};

async fn expired(world: &World, keeper: &str) -> Vec<Lost> {
    loop {
        let expired = world.lanes.expire(QUEUE, 10, Duration::from_millis(100), keeper).await.unwrap();
        if !expired.is_empty() {
            let lost = expired.into_iter();
            return lost
                .map(|e| Lost { tenant: e.tenant, id: e.id, token: e.token, before: e.before, worker: e.worker })
                .collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_crash_is_counted_once_though_the_keeper_that_counted_it_vanishes() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    assert_eq!(world.claim(1).await.len(), 1);
    let mut conn = world.ledger.get().await.unwrap();
    // It takes the lease over, counts, and is gone before it gives the job back.
    let lost = expired(&world, "first").await;
    assert_eq!(crash(&mut conn, &lost).await.unwrap().len(), 1);
    let again = expired(&world, "second").await;
    assert_eq!((again[0].before, again[0].worker.as_str()), (lost[0].token, "first"));
    assert_eq!(crash(&mut conn, &again).await.unwrap().len(), 1, "it may run again");
    let view = world.view(id).await;
    assert_eq!((view.crashes, view.attempts.as_array().unwrap().len()), (1, 1));
    // One that takes it over and is gone before it counts leaves the count to the next.
    let third = expired(&world, "third").await;
    assert!(third[0].before > again[0].before);
    assert_eq!(world.view(id).await.crashes, 1);
}

#[tokio::test]
async fn a_worker_that_dies_between_ledger_and_redis_has_not_crashed_on_the_job() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&job)).await;
    let token = world.claim(1).await.remove(0).token;
    let mut conn = world.ledger.get().await.unwrap();
    let end = End::Again {
        at: chrono::Utc::now(),
        errors: 1,
        crashes: 0,
        interruptions: 0,
        attempt: attempt("retryable"),
        reason: None,
    };
    settle(&mut conn, "w", &[settlement(&job, token, end)]).await.unwrap();
    promote(&mut conn, 10).await.unwrap();
    let lost = expired(&world, "keeper").await;
    assert_eq!(crash(&mut conn, &lost).await.unwrap().len(), 1, "it goes back to its lane");
    let view = world.view(job.id).await;
    assert_eq!((view.state.as_str(), view.errors, view.crashes), ("waiting", 1, 0));
}

#[tokio::test]
async fn a_history_keeps_its_last_hundred_entries_whatever_they_were() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    let mut conn = world.ledger.get().await.unwrap();
    for n in 1..=120 {
        let lost =
            Lost { tenant: job.tenant_id, id: job.id, token: n * 10, before: n * 10 - 5, worker: format!("w{n}") };
        let begun = Begun { tenant: job.tenant_id, id: job.id, token: n * 10 - 5, since: chrono::Utc::now() };
        mark_running(&mut conn, "w", &[begun]).await.unwrap();
        crash(&mut conn, &[lost]).await.unwrap();
        patchbay_queue::ledger::dead::redrive(&mut conn, job.tenant_id, &[job.id]).await.unwrap();
    }
    let history = world.view(job.id).await.attempts;
    let history = history.as_array().unwrap();
    assert_eq!((history.len(), history[99]["worker"].as_str()), (100, Some("w120")));
    assert!(history.iter().all(|entry| entry["at"].is_string() && entry["class"] == "crash"));
}

#[tokio::test]
async fn a_crash_says_how_long_its_run_was_held_however_short() {
    let world = World::new().await;
    let id = world.enqueue_one(Act::Succeed).await;
    assert_eq!(world.claim(1).await.len(), 1);
    let began = std::time::Instant::now();
    let lost = expired(&world, "keeper").await;
    let mut conn = world.ledger.get().await.unwrap();
    crash(&mut conn, &lost).await.unwrap();
    let at_most = began.elapsed().as_millis() + 1_000;
    let attempts = world.view(id).await.attempts;
    let ran = attempts[0]["duration_ms"].as_i64().unwrap();
    assert!(ran > 0 && u128::from(ran.unsigned_abs()) <= at_most, "{attempts}");
    assert_eq!((attempts[0]["class"].as_str(), attempts[0]["code"].as_str()), (Some("crash"), Some("worker_lost")));
}

#[tokio::test]
async fn what_costs_no_attempt_is_in_the_history_and_does_not_push_failures_out() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let mut token = 0;
    let mut again = async |class, errors, interruptions| {
        token += 1;
        let at = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
        let end = End::Again { at, errors, crashes: 0, interruptions, attempt: attempt(class), reason: None };
        settle(&mut conn, "w", &[settlement(&job, token, end)]).await.unwrap();
        promote(&mut conn, 10).await.unwrap();
    };
    again("retryable", 1, 0).await;
    for _ in 0..150 {
        again("snooze", 0, 0).await;
    }
    again("interruption", 0, 1).await;
    again("snooze", 0, 0).await;
    again("retryable", 1, 0).await;
    again("retryable", 1, 0).await;
    let view = world.view(job.id).await;
    let told = view.attempts.as_array().unwrap().iter();
    let told: Vec<_> = told.map(|a| (a["class"].as_str().unwrap(), a["times"].as_i64().unwrap_or(1))).collect();
    let failed = ("retryable", 1);
    assert_eq!(told, [failed, ("snooze", 150), ("interruption", 1), ("snooze", 1), failed, failed]);
    assert_eq!((view.errors, view.interruptions), (3, 1));
}

#[tokio::test]
async fn what_costs_nothing_and_changes_each_time_does_not_push_failures_out_either() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.accept(std::slice::from_ref(&job)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let classes = ["retryable"].into_iter().chain((0..120).map(|n| ["snooze", "throttled"][n % 2]));
    for (token, class) in (1..).zip(classes) {
        let at = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
        let errors = i16::from(class == "retryable");
        let end = End::Again { at, errors, crashes: 0, interruptions: 0, attempt: attempt(class), reason: None };
        settle(&mut conn, "w", &[settlement(&job, token, end)]).await.unwrap();
        promote(&mut conn, 10).await.unwrap();
    }
    let attempts = world.view(job.id).await.attempts;
    let classes: Vec<&str> = attempts.as_array().unwrap().iter().map(|a| a["class"].as_str().unwrap()).collect();
    assert_eq!((classes.len(), classes[0], classes[99]), (100, "retryable", "throttled"), "{classes:?}");
}
