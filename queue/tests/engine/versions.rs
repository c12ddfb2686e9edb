//! Rolling deploys, both ways: what a worker does not know waits for one that does, and costs nothing meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use patchbay_queue::job::DecodeError;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, World};

/// The deploy before: one name.
#[derive(Debug, Serialize, Deserialize)]
struct Old {
    name: String,
}

/// The deploy after: two. It still reads the payload of the one before.
#[derive(Debug, Serialize, Deserialize)]
struct New {
    to: To,
}

#[derive(Debug, Serialize, Deserialize)]
struct To {
    first: String,
    last: String,
}

impl Job for Old {
    const KIND: &'static str = "tests.greet";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
}

impl Job for New {
    const KIND: &'static str = "tests.greet";
    const VERSION: i16 = 2;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;

    fn decode(version: i16, payload: &[u8]) -> Result<Self, DecodeError> {
        match version {
            1 => {
                let Old { name } = job::from_json(payload)?;
                Ok(Self { to: To { first: name, last: String::new() } })
            }
            2 => job::from_json(payload),
            _ => Err(DecodeError::Newer { version, known: Self::VERSION }),
        }
    }
}

#[derive(Clone, Default)]
struct Greeter(Arc<AtomicUsize>);

#[async_trait]
impl Handler<Old> for Greeter {
    async fn run(&self, job: Old, _: &JobContext) -> Result<Outcome, JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done(Some(json!(job.name))))
    }
}

#[async_trait]
impl Handler<New> for Greeter {
    async fn run(&self, job: New, _: &JobContext) -> Result<Outcome, JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done(Some(json!(format!("{} {}", job.to.first, job.to.last)))))
    }
}

fn old_code() -> Registry {
    Registry::default().with::<Old, _>(Greeter::default())
}

fn new_code() -> Registry {
    Registry::default().with::<New, _>(Greeter::default())
}

fn old_job() -> NewJob {
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), Old { name: "Ada".into() }).into()
}

fn new_job() -> NewJob {
    let to = To { first: "Ada".into(), last: "Lovelace".into() };
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), New { to }).into()
}

#[tokio::test]
async fn an_old_payload_is_read_by_new_code() {
    let world = World::new().await;
    let worker = world.work(new_code(), 2);
    let job = old_job();
    world.enqueue(std::slice::from_ref(&job)).await;
    assert_eq!(world.until(job.id, &["succeeded"]).await.result, Some(json!("Ada ")));
    worker.stop().await;
}

#[tokio::test]
async fn a_new_payload_waits_for_new_code_and_says_so() {
    let world = World::new().await;
    let _keeper = world.keep();
    let old = world.work(old_code(), 2);
    let (newer, unknown, known) = (new_job(), world.job(Uuid::now_v7(), Act::Succeed), old_job());
    world.enqueue(&[newer.clone(), unknown.clone(), known.clone()]).await;
    world.until(known.id, &["succeeded"]).await;
    let waits = world.until(newer.id, &["held"]).await;
    assert_eq!(waits.held_reason.as_deref(), Some("no worker here knows kind tests.greet version 2"));
    assert_eq!(waits.held_by.as_deref(), Some("version"));
    let waits = world.until(unknown.id, &["held"]).await;
    assert_eq!(waits.held_reason.as_deref(), Some("no worker here knows kind tests.work version 1"));
    // The new code comes while the old is still there, as in a rolling deploy.
    let new = world.work(new_code().with::<crate::world::Work, _>(Doer::default()), 2);
    for id in [newer.id, unknown.id] {
        let done = world.until_view(id, |view| view.state == "succeeded").await;
        assert_eq!((done.errors, done.crashes, done.interruptions), (0, 0, 0));
        assert_eq!(done.attempts, json!([]), "waiting for a deploy is no attempt");
        assert_eq!(done.held_reason, None);
    }
    old.stop().await;
    new.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backlog_that_nobody_knows_costs_nothing_and_runs_within_seconds_of_a_deploy() {
    const JOBS: usize = 20_000;
    let world = World::new().await;
    let _keeper = world.keep();
    let old = world.work(old_code(), 64);
    let tenants: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    let jobs: Vec<NewJob> = (0..JOBS).map(|n| NewJob { tenant_id: tenants[n % 20], ..new_job() }).collect();
    for batch in jobs.chunks(1_000) {
        world.enqueue(batch).await;
    }
    let all = i64::try_from(JOBS).unwrap();
    world.until_at_least("held", all).await;
    let settled = world.revisions().await;
    assert!(settled <= all * 2, "each was set aside once, not {settled} times");
    let stats = world.lanes.queue_stats(QUEUE).await.unwrap();
    assert_eq!((stats.waiting, stats.running), (0, 0));
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(world.revisions().await, settled, "nobody looks at them again");

    old.stop().await;
    let begin = Instant::now();
    let new = world.work(new_code(), 64);
    world.until_at_least("succeeded", 1).await;
    let first = begin.elapsed();
    assert!(first < Duration::from_secs(5), "the first ran after {first:?}");
    world.until_at_least("succeeded", all).await;
    assert_eq!(world.errors().await, 0);
    new.stop().await;
}

#[tokio::test]
async fn a_payload_that_does_not_fit_is_dead_and_names_the_field() {
    let world = World::new().await;
    let worker = world.work(new_code(), 2);
    let with = |payload: &str| NewJob { payload: payload.as_bytes().to_vec(), ..new_job() };
    let cases = [
        (with(r#"{"to":{"first":"Ada","last":7}}"#), "to.last: invalid type: integer `7`, expected a string"),
        (with(r#"{"to":{"first":"Ada"}}"#), "missing field `last`"),
        (with(r#"{"to":"#), "EOF"),
    ];
    let jobs: Vec<NewJob> = cases.iter().map(|(job, _)| job.clone()).collect();
    world.enqueue(&jobs).await;
    for (job, part) in cases {
        let dead = world.until(job.id, &["dead"]).await;
        let error = dead.last_error.unwrap();
        assert!(error.starts_with("payload_malformed: ") && error.contains(part), "{error}");
        assert_eq!((dead.error_class.as_deref(), dead.errors), (Some("permanent"), 1), "no retry mends it");
    }
    worker.stop().await;
}
