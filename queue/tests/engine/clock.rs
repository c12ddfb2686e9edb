//! A worker whose machine's clock is five minutes off, to either side: nothing comes early, late, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use patchbay_queue::clock::EngineClock;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bare::{Bare, Q};
use crate::world::{QUEUE, Running, World, in_ms};

/// Asks for the time, after it has failed as often as it is told to.
#[derive(Debug, Serialize, Deserialize)]
struct Ask {
    fails: i32,
    sleep_ms: u64,
}

impl Job for Ask {
    const KIND: &'static str = "tests.ask";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy {
        max_attempts: 3,
        backoff: Duration::from_millis(10),
        backoff_max: Duration::from_millis(50),
        timeout: Duration::from_secs(20),
        priority: 0,
    };
}

#[derive(Clone, Default)]
struct Asker(Arc<AtomicUsize>);

#[async_trait]
impl Handler<Ask> for Asker {
    async fn run(&self, job: Ask, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(job.sleep_ms)).await;
        if ctx.attempt() <= job.fails {
            return Err(JobError::retryable("failed", "as told"));
        }
        Ok(Outcome::Done(Some(serde_json::json!({ "now": ctx.now() }))))
    }
}

fn ahead() -> DateTime<Utc> {
    Utc::now() + TimeDelta::minutes(5)
}

fn behind() -> DateTime<Utc> {
    Utc::now() - TimeDelta::minutes(5)
}

fn worker(world: &World, asker: &Asker, local_clock: fn() -> DateTime<Utc>) -> Running {
    let settings = WorkerSettings { clock: EngineClock::new(local_clock), ..world.settings(4) };
    world.work_as(settings, Registry::default().with::<Ask, _>(asker.clone()))
}

fn ask(fails: i32, sleep_ms: u64) -> JobRequest<Ask> {
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), Ask { fails, sleep_ms })
}

async fn told(local_clock: fn() -> DateTime<Utc>) {
    let world = World::new().await;
    let _keeper = world.keep();
    let begin = Utc::now();
    let worker = worker(&world, &Asker::default(), local_clock);
    let retried: NewJob = ask(1, 0).into();
    world.enqueue(std::slice::from_ref(&retried)).await;
    // A retry that the wrong clock had put off would come in five minutes; one that it had put into the past, at once.
    let view = world.until(retried.id, &["succeeded"]).await;
    let end = Utc::now();
    let failed: DateTime<Utc> = view.attempts[0]["at"].as_str().unwrap().parse().unwrap();
    let said: DateTime<Utc> = view.result.unwrap()["now"].as_str().unwrap().parse().unwrap();
    let near = TimeDelta::milliseconds(250);
    for time in [failed, view.run_at, view.started_at.unwrap(), said] {
        assert!(begin - near < time && time < end + near, "{time} is not between {begin} and {end}");
    }
    assert!(view.run_at >= failed + TimeDelta::milliseconds(250), "no retry comes at once");

    let long: NewJob = ask(0, 2_500).into();
    world.enqueue(std::slice::from_ref(&long)).await;
    let marked = world.until_view(long.id, |view| view.running_since.is_some()).await;
    assert!((marked.running_since.unwrap() - Utc::now()).abs() < TimeDelta::seconds(5));
    worker.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_ahead_changes_nothing() {
    told(ahead).await;
}

#[tokio::test]
async fn a_clock_that_is_behind_changes_nothing() {
    told(behind).await;
}

async fn expiry(local_clock: fn() -> DateTime<Utc>) {
    let world = World::new().await;
    let asker = Asker::default();
    let in_time: NewJob = ask(0, 0).not_after(Some(in_ms(60_000))).into();
    let too_late: NewJob = ask(0, 0).not_after(Some(in_ms(30))).into();
    world.enqueue(&[in_time.clone(), too_late.clone()]).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let worker = worker(&world, &asker, local_clock);
    world.until(in_time.id, &["succeeded"]).await;
    let dead = world.until(too_late.id, &["dead"]).await;
    assert_eq!(dead.error_class.as_deref(), Some("permanent"));
    assert!(dead.last_error.unwrap().starts_with("expired: "));
    assert_eq!((dead.errors, dead.crashes), (0, 0), "it never ran");
    assert_eq!(asker.0.load(Ordering::SeqCst), 1, "the handler met only the one in time");
    worker.stop().await;
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().running, 0);
}

#[tokio::test]
async fn by_a_clock_that_is_ahead_no_job_expires_too_soon() {
    expiry(ahead).await;
}

#[tokio::test]
async fn by_a_clock_that_is_behind_no_job_runs_too_late() {
    expiry(behind).await;
}

/// Seconds between the time of the queue and the machine's.
async fn off_by_s(world: &World) -> i64 {
    (world.lanes.time(QUEUE).await.unwrap() - Utc::now()).num_seconds()
}

#[tokio::test]
async fn the_keeper_sees_by_how_much_redis_is_off_the_ledger_and_ends_no_lease_for_it() {
    let world = World::new().await;
    let asker = Asker::default();
    let worker = worker(&world, &asker, behind);
    let long: NewJob = ask(0, 4_000).into();
    world.enqueue(std::slice::from_ref(&long)).await;
    world.until_view(long.id, |_| asker.0.load(Ordering::SeqCst) == 1).await;
    // Someone took Redis to be five minutes ahead, which it is not: by its queue's time every lease runs five minutes more.
    assert!(world.lanes.correct(QUEUE, 300_000, 1).await.unwrap());
    assert!((-301..=-299).contains(&off_by_s(&world).await));
    // Put right, that time jumps ahead, past the end of every lease.
    let _keeper = world.keep();
    let begun = std::time::Instant::now();
    while off_by_s(&world).await.abs() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody compares the clocks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let view = world.until(long.id, &["succeeded"]).await;
    assert_eq!((view.crashes, asker.0.load(Ordering::SeqCst)), (0, 1));
    worker.stop().await;
}

#[tokio::test]
async fn what_ends_at_an_instant_ends_by_the_time_that_is_right() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    // As if Redis' own clock had gone back by two seconds.
    world.lanes.correct(QUEUE, 2_000, 1).await.unwrap();
    let until_ms = world.lanes.time(QUEUE).await.unwrap().timestamp_millis() + 700;
    world.lanes.pause(QUEUE, &lanes::PauseScope::Tenant(tenant), Some(until_ms)).await.unwrap();
    world.enqueue(&[JobRequest::new(Uuid::now_v7(), tenant, Ask { fails: 0, sleep_ms: 0 }).into()]).await;
    let claimed = loop {
        let claimed = world.lanes.claim(QUEUE, 1, Duration::from_secs(60), "by-hand").await.unwrap();
        if !claimed.jobs.is_empty() {
            break claimed;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!((until_ms..until_ms + 500).contains(&claimed.now_ms), "{} for {until_ms}", claimed.now_ms);
}

#[tokio::test]
async fn a_correction_forgets_only_what_was_there_before_the_queue_was_opened() {
    let bare = Bare::closed();
    let is_there = async |job: &Envelope| bare.lanes.present(Q, [&job.id]).await.unwrap()[0];
    let early = bare.fill(Uuid::now_v7(), "", 1).await.remove(0);
    assert!(bare.lanes.correct(Q, 300_000, 1_000).await.unwrap());
    assert!(!is_there(&early).await, "it was pushed by the wrong time");
    let late = bare.fill(Uuid::now_v7(), "", 1).await.remove(0);
    assert!(!bare.lanes.correct(Q, 300_400, 1_000).await.unwrap(), "clocks and answers are never that exact");
    bare.lanes.open(Q, false).await.unwrap();
    assert!(bare.lanes.correct(Q, 0, 1_000).await.unwrap());
    assert!(is_there(&late).await);
}

#[tokio::test]
async fn tokens_go_up_though_a_queue_is_forgotten() {
    let bare = Bare::new().await;
    let ahead = (Utc::now() + TimeDelta::hours(1)).timestamp_micros();
    let () = redis::cmd("HSET")
        .arg(bare.key("meta"))
        .arg("token")
        .arg(ahead)
        .query_async(&mut bare.redis().await)
        .await
        .unwrap();
    bare.lanes.forget(Q).await.unwrap();
    bare.lanes.open(Q, false).await.unwrap();
    bare.fill(Uuid::now_v7(), "", 1).await;
    assert!(bare.take(1).await[0].token > ahead);
}
