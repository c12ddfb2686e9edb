//! How a job lives and ends.

use std::time::{Duration, Instant};

use chrono::Utc;
use patchbay_queue::lanes::When;
use patchbay_queue::ledger::{self, Inserted};
use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, Work, World, in_ms};

#[tokio::test]
async fn a_job_runs_once_and_leaves_its_result() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::Succeed).await;
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!(view.result, Some(serde_json::json!({"attempt": 1})));
    assert!(view.started_at.is_some() && view.finished_at.is_some() && view.worker.is_some());
    worker.stop().await;
    assert_eq!(doer.count(), 1);
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap(), lanes::QueueStats::default());
}

#[tokio::test]
async fn an_error_is_retried_until_it_works() {
    let world = World::new().await;
    let _keeper = world.keep();
    let worker = world.work(Doer::default().registry(), 4);
    let id = world.enqueue_one(Act::FailFor(2)).await;
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!(view.errors, 2);
    assert_eq!(view.attempts.as_array().unwrap().len(), 2);
    assert_eq!(view.attempts[0]["code"], "failed");
    worker.stop().await;
}

#[tokio::test]
async fn a_used_up_budget_makes_a_dead_letter_with_its_history() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::Fail).await;
    let view = world.until(id, &["dead"]).await;
    assert_eq!((view.errors, doer.count()), (3, 3));
    assert_eq!(view.error_class.as_deref(), Some("retryable"));
    assert_eq!(view.last_error.as_deref(), Some("failed: as told"));
    let history = view.attempts.as_array().unwrap();
    assert!(history.iter().all(|entry| entry["worker"].is_string() && entry["at"].is_string()));
    worker.stop().await;
}

#[tokio::test]
async fn a_permanent_error_is_not_retried() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::Refuse).await;
    let view = world.until(id, &["dead"]).await;
    assert_eq!((view.errors, view.error_class.as_deref(), doer.count()), (1, Some("permanent"), 1));
    worker.stop().await;
}

#[tokio::test]
async fn a_panicking_job_is_poison_after_three() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::Panic).await;
    let other = world.enqueue_one(Act::Succeed).await;
    let view = world.until(id, &["dead"]).await;
    assert_eq!((view.crashes, view.errors, view.error_class.as_deref()), (3, 0, Some("crash")));
    world.until(other, &["succeeded"]).await;
    worker.stop().await;
}

#[tokio::test]
async fn snoozing_costs_no_attempt_and_says_why() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::SnoozeOnce).await;
    let waiting = world.until(id, &["scheduled"]).await;
    assert_eq!(waiting.held_reason.as_deref(), Some("quiet"));
    let _keeper = world.keep();
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!((view.errors, view.held_reason, doer.count()), (0, None, 2));
    worker.stop().await;
}

#[tokio::test]
async fn a_delayed_job_waits_for_its_time() {
    let world = World::new().await;
    let due = in_ms(600);
    let job: NewJob =
        JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), Work { act: Act::Succeed }).run_at(Some(due)).into();
    assert_eq!(world.accept(std::slice::from_ref(&job)).await, [Inserted::Scheduled]);
    let _keeper = world.keep();
    let worker = world.work(Doer::default().registry(), 4);
    let view = world.until(job.id, &["succeeded"]).await;
    assert!(view.started_at.unwrap() >= due);
    worker.stop().await;
}

#[tokio::test]
async fn a_unique_key_admits_one_living_job() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let unique =
        || -> NewJob { JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).unique("nightly").into() };
    let (first, second, third) = (unique(), unique(), unique());
    world.enqueue(&[first.clone(), second.clone()]).await;
    assert_eq!(world.accept(std::slice::from_ref(&third)).await, [Inserted::Existing(first.id)]);
    let worker = world.work(Doer::default().registry(), 4);
    world.until(first.id, &["succeeded"]).await;
    worker.stop().await;
    assert_eq!(world.accept(std::slice::from_ref(&third)).await, [Inserted::Waiting]);
    let mut conn = world.ledger.get().await.unwrap();
    assert!(ledger::view::get_many(&mut conn, &[second.id]).await.unwrap().is_empty());
}

#[tokio::test]
async fn progress_is_written_and_adds_up() {
    let world = World::new().await;
    let worker = world.work(Doer::default().registry(), 4);
    let id = world.enqueue_one(Act::Count(10)).await;
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!((view.progress_total, view.progress_succeeded, view.progress_failed), (10, 9, 1));
    assert_eq!(view.revision, 1, "a short run's counts are written with its outcome");
    let mut conn = world.ledger.get().await.unwrap();
    let too_much = ledger::progress::Progress { total: 1, succeeded: 2, ..Default::default() };
    worker.stop().await;
    let next = world.job(view.tenant_id, Act::Succeed);
    world.accept(std::slice::from_ref(&next)).await;
    assert!(ledger::progress::set(&mut conn, view.tenant_id, next.id, 1, too_much).await.is_err());
}

#[tokio::test]
async fn counts_that_do_not_add_up_are_not_taken_and_hold_up_no_outcome() {
    let world = World::new().await;
    let worker = world.work(Doer::default().registry(), 4);
    let id = world.enqueue_one(Act::Count(0)).await;
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!((view.progress_total, view.progress_succeeded, view.progress_failed), (0, 0, 0));
    worker.stop().await;
}

#[tokio::test]
async fn an_unknown_kind_waits_for_a_worker_that_knows_it() {
    let world = World::new().await;
    let _keeper = world.keep();
    let ignorant = world.work(Registry::default(), 2);
    let id = world.enqueue_one(Act::Succeed).await;
    let waiting = world.until(id, &["held"]).await;
    assert!(waiting.held_reason.unwrap().contains("tests.work"));
    ignorant.stop().await;
    let worker = world.work(Doer::default().registry(), 2);
    assert_eq!(world.until(id, &["succeeded"]).await.errors, 0);
    worker.stop().await;
}

#[tokio::test]
async fn a_newer_payload_waits_and_a_malformed_one_is_dead() {
    let world = World::new().await;
    let newer = NewJob { version: 9, ..world.job(Uuid::now_v7(), Act::Succeed) };
    let malformed = NewJob { payload: b"{\"act\":7}".to_vec(), ..world.job(Uuid::now_v7(), Act::Succeed) };
    let worker = world.work(Doer::default().registry(), 2);
    world.enqueue(&[newer.clone(), malformed.clone()]).await;
    assert!(world.until(newer.id, &["held"]).await.held_reason.unwrap().contains("version 9"));
    assert!(world.until(malformed.id, &["dead"]).await.last_error.unwrap().starts_with("payload_malformed"));
    worker.stop().await;
}

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked() {
    let world = World::new().await;
    let waiting = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&waiting)).await;
    assert_eq!(cancel(&world, &waiting).await.as_deref(), Some("cancelled"));
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 2);
    let running = world.job(Uuid::now_v7(), Act::Sleep(15_000));
    world.enqueue(std::slice::from_ref(&running)).await;
    while doer.now.load(std::sync::atomic::Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(cancel(&world, &running).await.as_deref(), Some("waiting"));
    world.until(running.id, &["cancelled"]).await;
    assert_eq!(cancel(&world, &running).await, None);
    assert_eq!(doer.count(), 1, "the cancelled waiting job never ran");
    worker.stop().await;
}

async fn cancel(world: &World, job: &NewJob) -> Option<String> {
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    let running = world.lanes.drop_or_cancel(QUEUE, &[(job.id, lane)], When::BeforeCommit).await.unwrap()[0];
    let mut conn = world.ledger.get().await.unwrap();
    ledger::cancel::cancel(&mut conn, job.tenant_id, job.id, running).await.unwrap()
}

#[tokio::test]
async fn a_redriven_dead_letter_has_a_fresh_budget_and_keeps_its_history() {
    let world = World::new().await;
    let worker = world.work(Doer::default().registry(), 2);
    let job = world.job(Uuid::now_v7(), Act::Refuse);
    world.enqueue(std::slice::from_ref(&job)).await;
    world.until(job.id, &["dead"]).await;
    let mut conn = world.ledger.get().await.unwrap();
    let again = ledger::dead::redrive(&mut conn, job.tenant_id, &[job.id, Uuid::now_v7()]).await.unwrap();
    let again: Vec<Envelope> = again.into_iter().map(|again| Envelope::from(again.job)).collect();
    assert_eq!(again.len(), 1);
    world.lanes.push(QUEUE, &again, world.window, Instant::now()).await.unwrap();
    let view = loop {
        let view = world.until(job.id, &["dead"]).await;
        if view.attempts.as_array().unwrap().len() == 2 {
            break view;
        }
    };
    assert_eq!(view.errors, 1);
    assert_eq!(ledger::dead::discard(&mut conn, job.tenant_id, &[job.id]).await.unwrap().len(), 1);
    assert_eq!(world.view(job.id).await.state, "discarded");
    assert!(Utc::now() >= view.created_at);
    worker.stop().await;
}
