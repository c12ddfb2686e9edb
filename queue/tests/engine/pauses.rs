//! Pauses that end by themselves, of a kind and of every queue: nobody resumes anything here.
//!
//! A pause whose end was given is over in Redis (what is in its lane starts), and in the ledger (what was parked for its kind
//! comes back); the lanes' model speaks of pauses of a queue, a tenant, a lane and a shared prefix only.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use patchbay_queue::lanes::{EVERY_QUEUE, PauseScope};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, Work, World, in_ms};

const ELSEWHERE: &str = "elsewhere";

/// Work of a kind that nobody pauses.
#[derive(Debug, Serialize, Deserialize)]
struct Other;

impl Job for Other {
    const KIND: &'static str = "tests.other";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
}

struct Passer;

#[async_trait]
impl Handler<Other> for Passer {
    async fn run(&self, _: Other, _: &JobContext) -> Result<Outcome, JobError> {
        Ok(Outcome::Done(None))
    }
}

/// Redis keeps whole milliseconds.
fn soon(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(in_ms(ms).timestamp_millis()).unwrap()
}

/// Noted, and in force at once, as by the API.
async fn pause(world: &World, queue: &str, scope: &PauseScope, until: DateTime<Utc>) {
    let mut conn = world.ledger.get().await.unwrap();
    controls::pause(&mut conn, queue, scope, Some(until), "audit", "op").await.unwrap();
    world.lanes.pause(queue, scope, Some(until.timestamp_millis())).await.unwrap();
}

/// A queue with one job; a pause of every queue is put in force at once in those that Redis has heard of.
async fn with_a_job() -> (World, Uuid) {
    let world = World::new().await;
    world.lanes.know_queues(&[QUEUE.into(), ELSEWHERE.into()]).await.unwrap();
    let job = world.enqueue_one(Act::Succeed).await;
    (world, job)
}

/// Jobs of a kind that is paused in `queue` are set aside, and run once each when the pause is over.
async fn a_paused_kind_comes_back(queue: &str) {
    let (world, first) = with_a_job().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let more: Vec<NewJob> = (0..19).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&more).await;
    let paused: Vec<Uuid> = more.iter().map(|job| job.id).chain([first]).collect();
    let until = soon(2_500);
    pause(&world, queue, &PauseScope::Kind(Work::KIND.into()), until).await;
    let other: NewJob = JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), Other).into();
    world.enqueue(std::slice::from_ref(&other)).await;
    let worker = world.work(doer.registry().with::<Other, _>(Passer), 1);
    let passed = world.until(other.id, &["succeeded"]).await;
    assert!(passed.started_at.unwrap() < until, "another kind does not wait");
    world.until_count("held", 20).await;
    assert_eq!(world.view(first).await.held_by.as_deref(), Some("kind_pause"));
    world.until_count("succeeded", 21).await;
    worker.stop().await;
    for job in &paused {
        let view = world.view(*job).await;
        assert!(view.started_at.unwrap() >= until, "{view:?}");
        assert_eq!((view.held_by, view.errors, view.attempts), (None, 0, json!([])));
    }
    assert_eq!(doer.count(), 20, "each once");
    let mut conn = world.ledger.get().await.unwrap();
    assert_eq!(controls::pauses(&mut conn, Some(QUEUE)).await.unwrap(), []);
}

#[tokio::test]
async fn parked_jobs_of_a_kind_come_back_when_its_pause_is_over() {
    a_paused_kind_comes_back(QUEUE).await;
}

#[tokio::test]
async fn parked_jobs_of_a_kind_come_back_when_its_pause_in_every_queue_is_over() {
    a_paused_kind_comes_back(EVERY_QUEUE).await;
}

#[tokio::test]
async fn of_two_pauses_of_a_kind_the_one_that_ends_later_lets_the_parked_go() {
    let (world, job) = with_a_job().await;
    let _keeper = world.keep();
    let kind = PauseScope::Kind(Work::KIND.into());
    let until = soon(2_500);
    pause(&world, QUEUE, &kind, soon(1_200)).await;
    pause(&world, EVERY_QUEUE, &kind, until).await;
    let worker = world.work(Doer::default().registry(), 1);
    let view = world.until(job, &["succeeded"]).await;
    assert!(view.started_at.unwrap() >= until, "{view:?}");
    worker.stop().await;
}

#[tokio::test]
async fn workers_go_on_when_a_pause_of_every_queue_is_over_and_the_queues_own_too() {
    for own_ends_later in [true, false] {
        let (world, job) = with_a_job().await;
        let (sooner, later) = (soon(300), soon(900));
        let (own, of_every) = if own_ends_later { (later, sooner) } else { (sooner, later) };
        pause(&world, QUEUE, &PauseScope::Queue, own).await;
        pause(&world, EVERY_QUEUE, &PauseScope::Queue, of_every).await;
        // No keeper: the end of a pause is in Redis with it.
        let worker = world.work(Doer::default().registry(), 4);
        let view = world.until(job, &["succeeded"]).await;
        assert!(view.started_at.unwrap() >= later, "own ends later: {own_ends_later}; {view:?}");
        worker.stop().await;
    }
}

#[tokio::test]
async fn a_pause_of_every_queue_ends_by_itself_in_each() {
    let (world, here) = with_a_job().await;
    world.lanes.open(ELSEWHERE, false).await.unwrap();
    let there = NewJob { queue: ELSEWHERE.into(), ..world.job(Uuid::now_v7(), Act::Succeed) };
    world.lanes.push(ELSEWHERE, &[Envelope::from(&there)], world.window, std::time::Instant::now()).await.unwrap();
    let until = soon(700);
    pause(&world, EVERY_QUEUE, &PauseScope::Queue, until).await;
    for (queue, job) in [(QUEUE, here), (ELSEWHERE, there.id)] {
        let taken = loop {
            let taken = world.lanes.claim(queue, 1, Duration::from_secs(60), "by-hand").await.unwrap().jobs;
            if !taken.is_empty() {
                break taken;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(world.lanes.time(QUEUE).await.unwrap() >= until, "{queue}");
        assert_eq!(taken[0].id, job);
    }
}
