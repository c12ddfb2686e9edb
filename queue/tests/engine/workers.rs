//! What a worker does besides running jobs: it is listed, sets parked jobs aside, and hears handlers out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use patchbay_queue::backend::{Heart, WorkerCard};
use patchbay_queue::lanes::{BreakerRule, Limit, PauseScope, When, WorkerView};
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, World};

/// Works until it is cancelled, and tells a breaker of its lane how it goes.
#[derive(Debug, Serialize, Deserialize)]
enum Talk {
    UntilCancelled,
    Fails,
}

impl Job for Talk {
    const KIND: &'static str = "tests.talk";
    const VERSION: i16 = 3;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
}

#[derive(Clone, Default)]
struct Talker(Arc<AtomicUsize>);

#[async_trait]
impl Handler<Talk> for Talker {
    async fn run(&self, job: Talk, ctx: &JobContext) -> Result<Outcome, JobError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match job {
            Talk::UntilCancelled => loop {
                ctx.check_cancelled()?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            },
            Talk::Fails => {
                ctx.succeeded("pa_1").await;
                assert_eq!(ctx.failed("pa_1").await, None, "one failure after a success opens nothing");
                let open_until = ctx.failed("pa_1").await;
                Ok(Outcome::Done(Some(json!(open_until))))
            }
        }
    }
}

fn registry(doer: &Doer) -> Registry {
    doer.registry().with::<Talk, _>(Talker::default())
}

fn talk(job: Talk) -> NewJob {
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), job).lane("pa_1~+15550100").into()
}

async fn until_listed(world: &World, wanted: impl Fn(&WorkerView) -> bool) -> WorkerView {
    for _ in 0..400 {
        if let Some(view) = world.lanes.workers().await.unwrap().into_iter().find(&wanted) {
            return view;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the list is {:#?}", world.lanes.workers().await);
}

#[tokio::test]
async fn a_process_is_listed_with_what_it_runs_until_it_leaves() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(registry(&doer), 4);
    let card = WorkerCard { id: "host-1-abc".into(), host: "host".into(), version: "1.2.3".into() };
    let heart = Heart::start(&world.lanes, card, vec![worker.serving.clone()]);
    let job = world.job(Uuid::now_v7(), Act::Sleep(4_000));
    world.enqueue(std::slice::from_ref(&job)).await;
    let view = until_listed(&world, |view| view.queues[0].running == 1).await;
    assert_eq!((view.id.as_str(), view.host.as_str(), view.version.as_str()), ("host-1-abc", "host", "1.2.3"));
    assert_eq!(view.pid, std::process::id());
    assert!(view.started_at <= view.seen_at && (view.seen_at - Utc::now()).abs() < chrono::TimeDelta::seconds(2));
    let queue = &view.queues[0];
    assert_eq!((queue.queue.as_str(), queue.concurrency), (QUEUE, 4));
    assert_eq!(queue.kinds, [("tests.talk".to_owned(), 3), ("tests.work".to_owned(), 1)].into());
    let runs = &queue.jobs[0];
    assert_eq!((runs.id, runs.kind.as_str(), runs.tenant), (job.id, "tests.work", job.tenant_id));
    assert_eq!(queue.tenants, [(job.tenant_id, 1)].into());
    assert_eq!(view.clone().of_tenant(job.tenant_id).as_ref(), Some(&view));
    assert_eq!(view.clone().of_tenant(Uuid::now_v7()), None, "nothing of another's");
    worker.draining.cancel();
    until_listed(&world, |view| view.draining).await;
    heart.stop().await;
    assert_eq!(world.lanes.workers().await.unwrap(), []);
    worker.stop().await;
}

#[tokio::test]
async fn jobs_of_a_paused_kind_are_set_aside_without_a_run_or_a_slot() {
    let world = World::new().await;
    let doer = Doer::default();
    let kind = PauseScope::Kind("tests.work".into());
    world.lanes.pause(QUEUE, &kind, None).await.unwrap();
    let paused: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    let other = talk(Talk::Fails);
    world.enqueue(&paused).await;
    world.enqueue(std::slice::from_ref(&other)).await;
    // One slot, and it goes to the kind that may run.
    let worker = world.work(registry(&doer), 1);
    world.until(other.id, &["succeeded"]).await;
    world.until_count("held", 20).await;
    let view = world.view(paused[0].id).await;
    assert_eq!(view.held_by.as_deref(), Some("kind_pause"));
    assert_eq!((view.errors, view.attempts, doer.count()), (0, json!([]), 0));
    worker.stop().await;
    let stats = world.lanes.queue_stats(QUEUE).await.unwrap();
    assert_eq!((stats.waiting, stats.running), (0, 0));
}

#[tokio::test]
async fn a_wish_to_cancel_outlives_the_worker_that_ran_the_job() {
    let world = World::new().await;
    let job = talk(Talk::UntilCancelled);
    world.enqueue(std::slice::from_ref(&job)).await;
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    let lease = Duration::from_millis(50);
    assert_eq!(world.lanes.claim(QUEUE, 1, lease, "a worker that dies").await.unwrap().jobs.len(), 1);
    assert_eq!(world.lanes.drop_or_cancel(QUEUE, &[(job.id, lane)], When::BeforeCommit).await.unwrap(), [true]);
    let mut conn = world.ledger.get().await.unwrap();
    ledger::cancel::cancel(&mut conn, job.tenant_id, job.id, true).await.unwrap();
    // It asks Redis for such wishes in twenty seconds: the wish comes with the job.
    let settings = WorkerSettings { lease: Duration::from_secs(60), ..world.settings(1) };
    let worker = world.work_as(settings, registry(&Doer::default()));
    let _keeper = world.keep();
    let view = world.until(job.id, &["cancelled"]).await;
    assert_eq!((view.crashes, view.errors), (1, 0));
    worker.stop().await;
}

#[tokio::test]
async fn a_wish_to_cancel_outlives_a_redis_that_was_emptied() {
    let world = World::new().await;
    let worker = world.work(registry(&Doer::default()), 1);
    let job = talk(Talk::UntilCancelled);
    world.enqueue(std::slice::from_ref(&job)).await;
    while world.lanes.queue_stats(QUEUE).await.unwrap().running == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut conn = world.ledger.get().await.unwrap();
    ledger::cancel::cancel(&mut conn, job.tenant_id, job.id, true).await.unwrap();
    world.lanes.forget(QUEUE).await.unwrap();
    world.until(job.id, &["cancelled"]).await;
    worker.stop().await;
}

#[tokio::test]
async fn progress_of_a_run_that_lost_its_lease_is_not_taken() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&job)).await;
    let late = world.lanes.claim(QUEUE, 1, Duration::from_millis(20), "late").await.unwrap().jobs.remove(0).token;
    let _keeper = world.keep();
    world.until_view(job.id, |view| view.crashes == 1).await;
    let mut conn = world.ledger.get().await.unwrap();
    let counts = |succeeded| ledger::progress::Progress { total: 9, succeeded, ..Default::default() };
    let mut set =
        async |token, counts| ledger::progress::set(&mut conn, job.tenant_id, job.id, token, counts).await.unwrap();
    assert!(!set(late, counts(5)).await);
    let now = loop {
        match world.claim(1).await.pop() {
            Some(envelope) => break envelope.token,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert!(set(now, counts(2)).await);
    assert_eq!(world.view(job.id).await.progress().succeeded, 2);
}

#[tokio::test]
async fn a_handler_that_asks_whether_it_is_cancelled_ends_as_cancelled() {
    let world = World::new().await;
    let worker = world.work(registry(&Doer::default()), 1);
    let job = talk(Talk::UntilCancelled);
    world.enqueue(std::slice::from_ref(&job)).await;
    world.until_view(job.id, |view| view.running_since.is_some()).await;
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    assert_eq!(world.lanes.drop_or_cancel(QUEUE, &[(job.id, lane)], When::BeforeCommit).await.unwrap(), [true]);
    let view = world.until(job.id, &["cancelled"]).await;
    assert_eq!((view.errors, view.attempts), (0, json!([])), "to stop on request is no error");
    worker.stop().await;
}

#[tokio::test]
async fn a_handlers_word_opens_the_breaker_of_its_lane() {
    let world = World::new().await;
    let job = talk(Talk::Fails);
    let rule = BreakerRule { failures: 2, within: Duration::from_secs(60), open_for: Duration::from_secs(30) };
    let key = LaneName { tenant: job.tenant_id, lane: "pa_1".into() };
    world.lanes.set_limits(QUEUE, &[Limit { breaker: Some(rule), ..Limit::new(key) }]).await.unwrap();
    let worker = world.work(registry(&Doer::default()), 1);
    world.enqueue(std::slice::from_ref(&job)).await;
    let until = world.until(job.id, &["succeeded"]).await.result.unwrap();
    let until: chrono::DateTime<Utc> = until.as_str().expect("it is open").parse().unwrap();
    assert!(until > Utc::now() + chrono::TimeDelta::seconds(20));
    worker.stop().await;
}
