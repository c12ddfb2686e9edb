//! A handler that never yields: it holds its thread, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::alone::{enqueue_crashed, enqueue_last_chance, nobody_is_alone_nor_waits_for_it};
use crate::bare::{key, most};
use crate::world::{Act, Doer, QUEUE, World};

#[derive(Debug, Serialize, Deserialize)]
struct Spin;

impl Job for Spin {
    const KIND: &'static str = "tests.spin";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy {
        timeout: Duration::from_millis(300),
        backoff: Duration::from_millis(10),
        backoff_max: Duration::from_millis(50),
        ..Policy::DEFAULT
    };
}

/// Spins until it is let go, whoever tells it to stop before.
#[derive(Clone, Default)]
struct Spinner {
    let_go: Arc<AtomicBool>,
    spinning: Arc<AtomicUsize>,
}

#[async_trait]
impl Handler<Spin> for Spinner {
    async fn run(&self, _: Spin, _: &JobContext) -> Result<Outcome, JobError> {
        self.spinning.fetch_add(1, Ordering::SeqCst);
        while !self.let_go.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.spinning.fetch_sub(1, Ordering::SeqCst);
        Ok(Outcome::Done(None))
    }
}

impl Spinner {
    async fn until_spinning(&self) {
        self.until_so_many_spin(1).await;
    }

    async fn until_so_many_spin(&self, count: usize) {
        while self.spinning.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Lets it go with the test, failed or not: a runtime waits for its threads.
struct LetGo(Spinner);

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.let_go.store(true, Ordering::SeqCst);
    }
}

fn registry(doer: &Doer, spinner: &Spinner) -> Registry {
    doer.registry().with::<Spin, _>(spinner.clone())
}

fn settings(world: &World, stops_within: Duration) -> WorkerSettings {
    WorkerSettings { stops_within, lease: Duration::from_millis(900), ..world.settings(8) }
}

fn spin() -> NewJob {
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), Spin).into()
}

fn one_thread() -> Runtime {
    threads(1)
}

fn threads(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).enable_all().build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn an_endless_loop_is_poison_and_takes_nobody_with_it() {
    let world = World::new().await;
    let _keeper = world.keep();
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let _let_go = LetGo(spinner.clone());
    let worker = world.work_as(settings(&world, Duration::from_millis(200)), registry(&doer, &spinner));
    let poison = spin();
    world.enqueue(std::slice::from_ref(&poison)).await;
    spinner.until_spinning().await;
    let others: Vec<NewJob> = (0..100).map(|_| world.job(Uuid::now_v7(), Act::Sleep(20))).collect();
    world.enqueue(&others).await;
    let dead = world.until_view(poison.id, |view| view.state == "dead").await;
    assert_eq!((dead.crashes, dead.errors, dead.error_class.as_deref()), (3, 0, Some("crash")));
    assert!(dead.last_error.unwrap().starts_with("stuck: "), "{:?}", dead.attempts);
    assert_eq!(dead.attempts.as_array().unwrap().len(), 3, "each attempt in the history");
    world.until_count("succeeded", 100).await;
    assert_eq!(world.errors().await, 0);
    assert_eq!(spinner.spinning.load(Ordering::SeqCst), 3, "the threads are lost until the loops end");
    assert_eq!(worker.inflight.running().len(), 0, "the slots are not");
    spinner.let_go.store(true, Ordering::SeqCst);
    worker.stop().await;
}

/// Spins as soon as it is woken by a timer, with nothing else to wake for.
#[derive(Clone)]
struct Sleeper(Spinner);

#[async_trait]
impl Handler<Spin> for Sleeper {
    async fn run(&self, job: Spin, ctx: &JobContext) -> Result<Outcome, JobError> {
        tokio::time::sleep(Duration::from_millis(3)).await;
        self.0.run(job, ctx).await
    }
}

#[tokio::test]
async fn a_held_thread_leaves_the_others_of_its_process_to_work() {
    let world = World::new().await;
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = threads(2);
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let worker = {
        let _inside = its_own.enter();
        let registry = doer.registry().with::<Spin, _>(Sleeper(spinner.clone()));
        its_ways.work_as(settings(&world, Duration::from_secs(60)), registry)
    };
    // Which thread is held is chance: that of those that waits for sockets and timers, sooner or later.
    for turn in 1..=20 {
        spinner.let_go.store(false, Ordering::SeqCst);
        let spins = spin();
        world.enqueue(std::slice::from_ref(&spins)).await;
        spinner.until_spinning().await;
        let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
        world.enqueue(&others).await;
        let all = tokio::time::timeout(Duration::from_secs(5), world.until_count("succeeded", 21 * turn - 1)).await;
        assert!(all.is_ok(), "in turn {turn} the process stood still");
        spinner.let_go.store(true, Ordering::SeqCst);
        world.until(spins.id, &["succeeded"]).await;
    }
    worker.stop().await;
    its_own.shutdown_background();
}

#[tokio::test]
async fn leases_are_renewed_while_every_thread_is_held() {
    let world = World::new().await;
    let _keeper = world.keep();
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = one_thread();
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let worker = {
        let _inside = its_own.enter();
        its_ways.work_as(settings(&world, Duration::from_secs(60)), registry(&doer, &spinner))
    };
    let (asleep, spins) = (world.job(Uuid::now_v7(), Act::Sleep(1_000)), spin());
    world.enqueue(std::slice::from_ref(&asleep)).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.enqueue(std::slice::from_ref(&spins)).await;
    spinner.until_spinning().await;
    // Three leases long nothing of the worker's runtime can run.
    let beats = worker.serving.vitals().beats();
    tokio::time::sleep(Duration::from_millis(2_700)).await;
    assert_eq!(worker.serving.vitals().beats(), beats, "the pulse says so");
    spinner.let_go.store(true, Ordering::SeqCst);
    let view = world.until(asleep.id, &["succeeded"]).await;
    assert_eq!((view.crashes, doer.count()), (0, 1), "it was nobody else's meanwhile");
    assert_eq!(world.view(spins.id).await.crashes, 0);
    worker.stop().await;
    its_own.shutdown_background();
}

#[tokio::test]
async fn a_run_given_up_where_nothing_else_can_run_is_taken_over() {
    let world = World::new().await;
    let _keeper = world.keep();
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = one_thread();
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let stuck = {
        let _inside = its_own.enter();
        its_ways.work_as(settings(&world, Duration::from_millis(200)), registry(&doer, &spinner))
    };
    let poison = spin();
    world.enqueue(std::slice::from_ref(&poison)).await;
    spinner.until_spinning().await;
    let view = world.until_view(poison.id, |view| view.crashes == 1).await;
    assert_eq!(view.attempts[0]["code"], "worker_lost");
    // A worker elsewhere, whose handler is well, finishes it.
    let well = Spinner::default();
    well.let_go.store(true, Ordering::SeqCst);
    let other = world.work_as(settings(&world, Duration::from_secs(5)), registry(&doer, &well));
    assert_eq!(world.until(poison.id, &["succeeded"]).await.crashes, 1);
    other.stop().await;
    spinner.let_go.store(true, Ordering::SeqCst);
    stuck.stop().await;
    assert_eq!(world.view(poison.id).await.crashes, 1, "what the stuck one says late changes nothing");
    its_own.shutdown_background();
}

#[tokio::test]
async fn what_a_process_that_ends_at_once_has_in_hand_is_others_soon() {
    let world = World::new().await;
    let _keeper = world.keep();
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = one_thread();
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let falls = {
        let _inside = its_own.enter();
        let leased = WorkerSettings { lease: Duration::from_secs(60), ..settings(&world, Duration::from_secs(60)) };
        its_ways.work_as(leased, registry(&doer, &spinner))
    };
    let asleep = world.job(Uuid::now_v7(), Act::Sleep(60_000));
    world.enqueue(std::slice::from_ref(&asleep)).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.enqueue(&[spin()]).await;
    spinner.until_spinning().await;
    falls.serving.fall(&world.lanes).await;
    let back = tokio::time::timeout(Duration::from_secs(15), world.until_view(asleep.id, |view| view.crashes == 1));
    assert!(back.await.is_ok(), "it waits for the end of its lease");
    spinner.let_go.store(true, Ordering::SeqCst);
    its_own.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_run_that_does_not_stop_for_the_end_of_its_worker_goes_back_for_free() {
    let world = World::new().await;
    let spinner = Spinner::default();
    let _let_go = LetGo(spinner.clone());
    let worker = world.work_as(settings(&world, Duration::from_secs(60)), registry(&Doer::default(), &spinner));
    let job = spin();
    world.enqueue(std::slice::from_ref(&job)).await;
    spinner.until_spinning().await;
    worker.draining.cancel();
    assert_eq!(worker.inflight.interrupt_all(), 1);
    worker.stop().await;
    let view = world.view(job.id).await;
    assert_eq!((view.interruptions, view.crashes, view.errors), (1, 0, 0));
    assert_eq!(spinner.spinning.load(Ordering::SeqCst), 1, "it still spins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_given_up_counts_among_those_that_run_until_it_ends() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut conn = world.ledger.get().await.unwrap();
    let one = most(key(tenant, ""), 1);
    controls::set_limit(&mut conn, QUEUE, &one).await.unwrap();
    world.lanes.set_limits(QUEUE, &[one]).await.unwrap();
    let _keeper = world.keep();
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let _let_go = LetGo(spinner.clone());
    let leased = WorkerSettings { lease: Duration::from_secs(6), ..settings(&world, Duration::from_millis(200)) };
    let worker = world.work_as(leased, registry(&doer, &spinner));
    let poison: NewJob = JobRequest::new(Uuid::now_v7(), tenant, Spin).into();
    world.enqueue(std::slice::from_ref(&poison)).await;
    spinner.until_spinning().await;
    world.until_view(poison.id, |view| view.crashes == 1).await;
    let other = world.job(tenant, Act::Succeed);
    world.enqueue(std::slice::from_ref(&other)).await;
    // The one place is taken, though by the ledger no job is running.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((doer.count(), spinner.spinning.load(Ordering::SeqCst)), (0, 1));
    assert!(worker.serving.vitals().haunted() >= Duration::from_secs(1), "who watches the process sees it");
    spinner.let_go.store(true, Ordering::SeqCst);
    world.until(other.id, &["succeeded"]).await;
    assert_eq!(worker.serving.vitals().haunted(), Duration::ZERO);
    world.until(poison.id, &["succeeded"]).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_kind_that_was_seen_to_hold_its_thread_holds_no_other() {
    let world = World::new().await;
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = threads(2);
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let worker = {
        let _inside = its_own.enter();
        its_ways.work_as(settings(&world, Duration::from_secs(60)), registry(&doer, &spinner))
    };
    world.enqueue(&[spin()]).await;
    spinner.until_spinning().await;
    // It is seen after a second, at the next look.
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.enqueue(&[spin(), spin(), spin()]).await;
    spinner.until_so_many_spin(4).await;
    let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&others).await;
    let all = tokio::time::timeout(Duration::from_secs(10), world.until_count("succeeded", 20)).await;
    assert!(all.is_ok(), "four jobs that do not yield hold two threads");
    spinner.let_go.store(true, Ordering::SeqCst);
    world.until_count("succeeded", 24).await;
    worker.stop().await;
    its_own.shutdown_background();
}

#[tokio::test]
async fn a_job_that_crashed_before_holds_no_thread_that_others_need() {
    let world = World::new().await;
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let its_own = one_thread();
    let _let_go = LetGo(spinner.clone());
    let its_ways = world.again();
    let worker = {
        let _inside = its_own.enter();
        its_ways.work_as(settings(&world, Duration::from_secs(60)), registry(&doer, &spinner))
    };
    let suspect = spin();
    enqueue_crashed(&world, &suspect, 1).await;
    spinner.until_spinning().await;
    let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&others).await;
    let all = tokio::time::timeout(Duration::from_secs(10), world.until_count("succeeded", 20)).await;
    assert!(all.is_ok(), "the one thread is held");
    spinner.let_go.store(true, Ordering::SeqCst);
    assert_eq!(world.until(suspect.id, &["succeeded"]).await.crashes, 1);
    worker.stop().await;
    its_own.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beside_a_last_chance_that_cannot_be_stopped_the_others_begin() {
    let world = World::new().await;
    let (doer, spinner) = (Doer::default(), Spinner::default());
    let _let_go = LetGo(spinner.clone());
    let worker = world.work_as(settings(&world, Duration::from_millis(200)), registry(&doer, &spinner));
    let poison = spin();
    enqueue_last_chance(&world, &poison).await;
    world.until(poison.id, &["dead"]).await;
    let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&others).await;
    world.until_count("succeeded", 20).await;
    nobody_is_alone_nor_waits_for_it(&world, &doer).await;
    assert_eq!(spinner.spinning.load(Ordering::SeqCst), 1, "it still spins");
    spinner.let_go.store(true, Ordering::SeqCst);
    worker.stop().await;
}
