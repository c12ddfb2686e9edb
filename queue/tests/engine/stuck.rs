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

use crate::bare::{key, most};
use crate::relay::{Line, Relay};
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

/// Enqueues a job that has been in two crashes.
async fn enqueue_last_chance(world: &World, job: &NewJob) {
    enqueue_crashed(world, job, 2).await;
}

/// Enqueues a job that has been in so many crashes.
async fn enqueue_crashed(world: &World, job: &NewJob, crashes: i16) {
    world.accept(std::slice::from_ref(job)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let crashed = format!("UPDATE queue.jobs SET crashes = {crashes} WHERE id = '{}'", job.id);
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *conn, &crashed).await.unwrap();
    let mut envelope = Envelope::from(job);
    envelope.header.crashes = crashes;
    envelope.header.suspect = true;
    world.lanes.push(QUEUE, &[envelope], world.window, std::time::Instant::now()).await.unwrap();
}

/// Runs last chances one after the other; each would wait for two seconds to be alone.
async fn run_last_chances(world: &World, count: usize) {
    let one_after_the_other = async {
        for _ in 0..count {
            let innocent = world.job(Uuid::now_v7(), Act::Succeed);
            enqueue_last_chance(world, &innocent).await;
            world.until(innocent.id, &["succeeded"]).await;
        }
    };
    let most = Duration::from_secs(2 * count as u64 - 1);
    assert!(tokio::time::timeout(most, one_after_the_other).await.is_ok(), "they waited in vain");
}

/// Beside a run that goes on although it was given up.
async fn nobody_is_alone_nor_waits_for_it(world: &World, doer: &Doer) {
    run_last_chances(world, 4).await;
    let innocent = world.job(Uuid::now_v7(), Act::Sleep(3_000));
    enqueue_last_chance(world, &innocent).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let noted = world.number("SELECT count(*) FROM queue.jobs WHERE running_since IS NOT NULL").await;
    assert_eq!(noted, 0, "or a crash would be counted as its own");
    assert_eq!(doer.now.load(Ordering::SeqCst), 1, "it still runs");
    world.until(innocent.id, &["succeeded"]).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waited_in_vain_to_be_alone_is_not_followed_at_once() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 8);
    let long = world.job(Uuid::now_v7(), Act::Sleep(30_000));
    world.enqueue(std::slice::from_ref(&long)).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The first waits for two seconds.
    run_last_chances(&world, 6).await;
    worker.inflight.interrupt_all();
    worker.stop().await;
}

#[tokio::test]
async fn beside_one_that_is_alone_nothing_is_held_up_that_others_could_run() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 8);
    let (alone, second) = (world.job(Uuid::now_v7(), Act::Sleep(4_000)), world.job(Uuid::now_v7(), Act::Sleep(1)));
    enqueue_last_chance(&world, &alone).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&others).await;
    enqueue_last_chance(&world, &second).await;
    // Longer than a claim takes, and than anybody waits to be alone.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let here: Vec<Uuid> = worker.inflight.running().iter().map(|run| run.id).collect();
    assert_eq!(here, [alone.id]);
    world.until_count("succeeded", 22).await;
    let begun = world.number("SELECT count(*) FROM queue.jobs WHERE attempts <> '[]'").await;
    assert_eq!((begun, doer.count()), (0, 22), "each once, and none was given an attempt for it");
    worker.stop().await;
}

/// A job that was in so many crashes, and takes its time, keeps the others waiting for so long.
async fn is_alone(crashes: i16, at_least: Duration, at_most: Duration) {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 8);
    let suspect = world.job(Uuid::now_v7(), Act::Sleep(60_000));
    enqueue_crashed(&world, &suspect, crashes).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let others: Vec<NewJob> = (0..20).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    let begun = std::time::Instant::now();
    world.enqueue(&others).await;
    world.until_count("succeeded", 20).await;
    let waited = begun.elapsed();
    assert!(waited > at_least && waited < at_most, "{waited:?}");
    assert_eq!(doer.now.load(Ordering::SeqCst), 1, "it still runs");
    let noted = world.number("SELECT count(*) FROM queue.jobs WHERE running_since IS NOT NULL").await;
    assert!(crashes == 1 || noted == 0, "or a crash would be counted as its own");
    worker.inflight.interrupt_all();
    worker.stop().await;
}

#[tokio::test]
async fn who_was_alone_is_company_once_others_are_let_in() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 8);
    let (suspect, last) =
        (world.job(Uuid::now_v7(), Act::Sleep(60_000)), world.job(Uuid::now_v7(), Act::Sleep(60_000)));
    enqueue_crashed(&world, &suspect, 1).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let other = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&other)).await;
    world.until(other.id, &["succeeded"]).await;
    // Until there is time again for somebody to wait for the whole process.
    tokio::time::sleep(Duration::from_secs(13)).await;
    enqueue_last_chance(&world, &last).await;
    while doer.now.load(Ordering::SeqCst) == 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let of_last = format!("SELECT count(*) FROM queue.jobs WHERE running_since IS NOT NULL AND id = '{}'", last.id);
    assert_eq!(world.number(&of_last).await, 0, "a crash would be counted as its own");
    worker.inflight.interrupt_all();
    worker.stop().await;
}

#[tokio::test]
async fn a_suspect_is_alone_for_a_while() {
    is_alone(1, Duration::from_secs(1), Duration::from_secs(8)).await;
}

#[tokio::test]
async fn a_last_chance_is_alone_for_longer() {
    is_alone(2, Duration::from_secs(9), Duration::from_secs(18)).await;
}

#[tokio::test]
async fn what_was_changed_while_it_was_claimed_is_read_anew_when_it_is_given_back() {
    let world = World::new().await;
    let job = world.job(Uuid::now_v7(), Act::Succeed);
    world.enqueue(std::slice::from_ref(&job)).await;
    let claimed = world.claim(1).await.remove(0);
    // Somebody puts it off, while a worker has it and has not begun.
    let mut conn = world.ledger.get().await.unwrap();
    let put_off = "UPDATE queue.jobs SET state = 'scheduled', run_at = now() + interval '1 day'";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *conn, put_off).await.unwrap();
    let lane = LaneName { tenant: job.tenant_id, lane: job.lane.clone() };
    assert_eq!(world.lanes.withdraw(QUEUE, &[(job.id, lane)]).await.unwrap(), [true]);
    assert_eq!(world.lanes.release(QUEUE, &[claimed]).await.unwrap(), 1);
    assert!(world.claim(1).await.is_empty(), "it would run as it was");
    let back = "UPDATE queue.jobs SET state = 'waiting', run_at = now()";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *conn, back).await.unwrap();
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.claim(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_away_when_jobs_are_given_back_costs_them_no_crash() {
    let world = World::new().await;
    let (redis, lanes) = Relay::to(&std::env::var("REDIS_URL").unwrap()).await;
    let behind = world.behind(world.url(), &lanes);
    let suspect = world.job(Uuid::now_v7(), Act::Sleep(1_000));
    enqueue_crashed(&world, &suspect, 1).await;
    let others: Vec<NewJob> = (0..6).map(|_| world.job(Uuid::now_v7(), Act::Succeed)).collect();
    world.enqueue(&others).await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let settings = WorkerSettings { lease: Duration::from_secs(6), ..world.settings(8) };
    let worker = behind.work_as(settings, doer.registry());
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    redis.set(Line::Down);
    // The others go back after 0.2 s.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    redis.set(Line::Up);
    world.until_count("succeeded", 7).await;
    assert_eq!(world.number("SELECT sum(crashes)::int8 AS count FROM queue.jobs").await, 1, "the suspect's first");
    worker.stop().await;
}
