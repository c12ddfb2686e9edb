//! The longest run that a kind may have is one thing, the lease another: each holds without the other.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bare::{key, most};
use crate::world::{Act, Doer, QUEUE, Work, World};

#[derive(Debug, Serialize, Deserialize)]
struct Nap;

impl Job for Nap {
    const KIND: &'static str = "tests.nap";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy {
        timeout: Duration::from_millis(300),
        // No second attempt while a test looks at the first.
        backoff: Policy::DEFAULT.backoff_max,
        ..Policy::DEFAULT
    };
}

/// Sleeps for ever, and lets others run meanwhile.
struct Sleeper;

#[async_trait]
impl Handler<Nap> for Sleeper {
    async fn run(&self, _: Nap, _: &JobContext) -> Result<Outcome, JobError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_run_past_its_time_is_an_error_and_gives_its_slot_and_place_back_at_once() {
    let world = World::new().await;
    let _keeper = world.keep();
    let tenant = Uuid::now_v7();
    let one = most(key(tenant, "pa"), 1);
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &one).await.unwrap();
    world.lanes.set_limits(QUEUE, &[one]).await.unwrap();
    let leased = WorkerSettings { lease: Duration::from_secs(60), ..world.settings(1) };
    let worker = world.work_as(leased, Doer::default().registry().with::<Nap, _>(Sleeper));
    let nap: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Nap).lane("pa").into();
    let next: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).lane("pa").into();
    world.enqueue(&[nap.clone(), next.clone()]).await;

    let next = world.until(next.id, &["succeeded"]).await;
    let nap = world.view(nap.id).await;
    assert_eq!((nap.state.as_str(), nap.errors, nap.crashes, nap.interruptions), ("scheduled", 1, 0, 0));
    let attempt = &nap.attempts[0];
    assert_eq!((attempt["class"].as_str(), attempt["code"].as_str()), (Some("retryable"), Some("timed_out")));
    let (ran, ended) = (attempt["duration_ms"].as_i64().unwrap(), attempt["at"].as_str().unwrap());
    assert!((300..3_000).contains(&ran), "{ran} ms");
    let waited = next.started_at.unwrap() - ended.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert!((TimeDelta::zero()..TimeDelta::seconds(3)).contains(&waited), "{waited} where a lease is a minute");
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().running, 0);
    worker.stop().await;
}

#[tokio::test]
async fn a_run_of_many_leases_is_not_lost_and_runs_once() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let lease = Duration::from_millis(900);
    let workers = [0; 2].map(|_| world.work_as(WorkerSettings { lease, ..world.settings(1) }, doer.registry()));
    let id = world.enqueue_one(Act::Sleep(4_500)).await;
    let view = world.until(id, &["succeeded"]).await;
    assert_eq!((view.errors, view.crashes, view.interruptions, doer.count()), (0, 0, 0, 1));
    let ran = view.finished_at.unwrap() - view.started_at.unwrap();
    assert!(ran >= TimeDelta::milliseconds(4_500), "{ran}");
    for worker in workers {
        worker.stop().await;
    }
}
