//! Who runs alone in its process, for how long, and what becomes of those that are claimed beside it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use patchbay_queue::*;
use uuid::Uuid;

use crate::relay::{Line, Relay};
use crate::world::{Act, Doer, QUEUE, World};

/// Enqueues a job that has been in two crashes.
pub async fn enqueue_last_chance(world: &World, job: &NewJob) {
    enqueue_crashed(world, job, 2).await;
}

/// Enqueues a job that has been in so many crashes.
pub async fn enqueue_crashed(world: &World, job: &NewJob, crashes: i16) {
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
pub async fn nobody_is_alone_nor_waits_for_it(world: &World, doer: &Doer) {
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
