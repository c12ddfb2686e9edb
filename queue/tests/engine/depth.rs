//! The cap at the door, and the order in which a backlog deeper than the window comes in.

use std::time::Duration;

use chrono::{DateTime, Utc};
use patchbay_queue::lanes::{Limit, Window};
use patchbay_queue::ledger::{DepthGuard, controls, depth, refill};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::request;
use crate::world::{Act, Doer, QUEUE, Work, World};

#[tokio::test]
async fn the_cap_is_the_tenants_own_or_the_default_and_room_comes_back() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut conn = world.ledger.get().await.unwrap();
    let guard = DepthGuard::new(50);
    for _ in 0..5 {
        guard.admit(&mut conn, tenant, QUEUE, 10).await.unwrap().unwrap();
        let jobs: Vec<NewJob> = (0..10).map(|_| world.job(tenant, Act::Succeed)).collect();
        world.accept(&jobs).await;
    }
    let full = guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().unwrap_err();
    assert_eq!((full.waiting, full.cap), (50, 50));
    assert!((Duration::from_secs(1)..=Duration::from_secs(60)).contains(&full.retry_after));
    guard.admit(&mut conn, Uuid::now_v7(), QUEUE, 50).await.unwrap().unwrap();
    world.sql("UPDATE queue.jobs SET state = 'held' WHERE id IN (SELECT id FROM queue.jobs LIMIT 20)").await;
    assert!(guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().is_err(), "parked jobs make no room");
    world.sql("UPDATE queue.jobs SET state = 'scheduled' WHERE state = 'held'").await;
    assert!(guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().is_err(), "nor do delayed ones");
    world.sql("UPDATE queue.jobs SET state = 'succeeded' WHERE id IN (SELECT id FROM queue.jobs LIMIT 20)").await;
    // A count may take a twentieth of the time: the next one is due within moments.
    while guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let own = Limit { max_waiting: Some(5), ..Limit::new(LaneName { tenant, lane: String::new() }) };
    controls::set_limit(&mut conn, "*", &own).await.unwrap();
    while guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().map_err(|full| full.cap) != Err(5) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_count_is_rare_where_there_is_room() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut conn = world.ledger.get().await.unwrap();
    let guard = DepthGuard::new(1_000_000);
    guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().unwrap();
    let began = std::time::Instant::now();
    for _ in 0..100_000 {
        guard.admit(&mut conn, tenant, QUEUE, 1).await.unwrap().unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn urgent_jobs_deeper_than_the_window_do_not_keep_an_old_one_out() {
    let mut world = World::new().await;
    world.window = Window { lane: 20, queue: 10_000 };
    let tenant = Uuid::now_v7();
    // An hour old and not urgent: each step of priority is worth a minute of age.
    let made = u128::try_from((Utc::now() - chrono::TimeDelta::hours(1)).timestamp_millis()).unwrap();
    let old = Uuid::from_u128((made << 80) | (7 << 76) | (2 << 62) | 1);
    world.accept(&[JobRequest::new(old, tenant, Work { act: Act::Succeed }).into()]).await;
    let urgent: Vec<NewJob> = (0..500).map(|_| NewJob { priority: 9, ..world.job(tenant, Act::Succeed) }).collect();
    world.accept(&urgent).await;
    let mut conn = world.ledger.get().await.unwrap();
    let lane = LaneName { tenant, lane: String::new() };
    assert_eq!(refill::firsts(&mut conn, QUEUE, &[(lane, 20)]).await.unwrap()[0][0], old);
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.claim(1).await[0].id, old);
}

#[tokio::test]
async fn an_urgent_job_that_comes_late_goes_before_a_full_lane() {
    let mut world = World::new().await;
    world.window = Window { lane: 50, queue: 10_000 };
    let tenant = Uuid::now_v7();
    let backlog: Vec<NewJob> = (0..300).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&backlog).await;
    let urgent = NewJob { priority: 9, ..world.job(tenant, Act::Succeed) };
    let late = world.job(tenant, Act::Succeed);
    world.enqueue(&[late.clone(), urgent.clone()]).await;
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().waiting, 50, "the window holds");
    let lane = LaneName { tenant, lane: String::new() };
    let is_here = async |job: &NewJob| world.lanes.present(QUEUE, [&job.id]).await.unwrap()[0];
    assert!(is_here(&urgent).await && is_here(&backlog[48]).await);
    assert!(!is_here(&backlog[49]).await && !is_here(&late).await, "the last has made room");
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 1);
    world.until_count("succeeded", 302).await;
    worker.stop().await;
    let order: Vec<Uuid> = doer.runs.lock().unwrap().iter().map(|(_, id)| *id).collect();
    let expected: Vec<Uuid> = [&urgent].into_iter().chain(&backlog).chain([&late]).map(|job| job.id).collect();
    assert_eq!(order, expected);
    assert!(world.lanes.full_lanes(QUEUE, 9).await.unwrap().lanes.iter().all(|full| *full != lane));
}

#[tokio::test]
async fn a_backlog_of_several_priorities_is_served_in_the_order_of_redis_whatever_the_window() {
    let mut world = World::new().await;
    world.window = Window { lane: 10, queue: 10_000 };
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> =
        (0..120).map(|n| NewJob { priority: (n % 3) * 4, ..world.job(tenant, Act::Succeed) }).collect();
    world.accept(&jobs).await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 1);
    world.until_count("succeeded", 120).await;
    worker.stop().await;
    let mut expected: Vec<&NewJob> = jobs.iter().collect();
    expected.sort_by_key(|job| (envelope::served_at(job.id, job.priority), job.id));
    let order: Vec<Uuid> = doer.runs.lock().unwrap().iter().map(|(_, id)| *id).collect();
    assert_eq!(order, expected.iter().map(|job| job.id).collect::<Vec<_>>());
}

/// The oldest of the queue, of all tenants.
async fn oldest(world: &World) -> depth::Depth {
    let mut conn = world.ledger.get().await.unwrap();
    let found = depth::queues(&mut conn, &[QUEUE], None).await.unwrap();
    found.into_iter().next().unwrap()
}

fn seconds_ago(at: DateTime<Utc>) -> i64 {
    (Utc::now() - at).num_seconds()
}

#[tokio::test]
async fn a_job_is_as_old_as_it_is_due() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (planned, fresh) = (world.job(tenant, Act::Succeed), world.job(tenant, Act::Succeed));
    world.accept(&[planned.clone(), fresh.clone()]).await;
    let made = |id: Uuid, made: &str, due: &str| {
        format!(
            "UPDATE queue.jobs SET created_at = now() - interval '{made}', run_at = now() - interval '{due}'
             WHERE id = '{id}'"
        )
    };
    // Made a week ago for a minute ago, and first in its lane; behind it one that was due from its making.
    world.sql(&made(planned.id, "7 days", "1 minute")).await;
    assert!((60..120).contains(&seconds_ago(oldest(&world).await.oldest.unwrap())));
    world.sql(&made(fresh.id, "1 hour", "1 hour")).await;
    let depth = oldest(&world).await;
    assert!((3_600..3_660).contains(&seconds_ago(depth.oldest.unwrap())));
    assert!(!depth.more_lanes);
    let mut conn = world.ledger.get().await.unwrap();
    let lanes = depth::lanes(&mut conn, QUEUE, tenant, "", 10, 10).await.unwrap();
    assert_eq!((lanes.len(), lanes[0].oldest), (1, depth.oldest));
    // What the keeper sees of it.
    let _keeper = world.keep();
    let told = until_told(&world).await;
    assert_eq!(Some(told), depth.oldest.map(|at| at.timestamp_millis()));
    assert_eq!(world.lanes.top_tenants(QUEUE, 1).await.unwrap()[0].oldest_ms, Some(told));
}

/// What the keeper says of the oldest job and the deepest tenants, once it does.
async fn until_told(world: &World) -> i64 {
    for _ in 0..1_000 {
        if let (Some(told), [_, ..]) =
            (world.lanes.oldest(QUEUE).await.unwrap(), &world.lanes.top_tenants(QUEUE, 1).await.unwrap()[..])
        {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the keeper says nothing");
}

#[tokio::test]
async fn a_job_that_was_planned_waits_since_its_time() {
    let world = World::new().await;
    let due = crate::world::in_ms(200);
    let job = NewJob { run_at: Some(due), ..world.job(Uuid::now_v7(), Act::Succeed) };
    world.accept(std::slice::from_ref(&job)).await;
    let _keeper = world.keep();
    world.until(job.id, &["waiting"]).await;
    let taken = loop {
        if let Some(taken) = world.claim(1).await.pop() {
            break taken;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(taken.waits_since_ms(), due.timestamp_millis());
}

#[tokio::test]
async fn the_place_in_a_lane_is_told_in_the_order_of_service() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..9).map(|n| NewJob { priority: n % 3, ..request(tenant).into() }).collect();
    world.accept(&jobs).await;
    let mut expected: Vec<&NewJob> = jobs.iter().collect();
    expected.sort_by_key(|job| (envelope::served_at(job.id, job.priority), job.id));
    for (place, job) in expected.iter().enumerate() {
        let view = world.view(job.id).await;
        let mut conn = world.ledger.get().await.unwrap();
        let ahead = depth::ahead(&mut conn, &view).await.unwrap();
        assert_eq!(usize::try_from(ahead.due).unwrap(), place);
    }
}
