//! How much of a backlog Redis holds; the rest waits in the ledger, in order, and keeps nobody else out.

use std::time::{Duration, Instant};

use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use patchbay_queue::lanes::{PauseScope, Window};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{Bare, Q, envelope};
use crate::world::{Act, Doer, QUEUE, World};

#[tokio::test]
async fn a_backlog_beyond_the_window_waits_in_the_ledger_and_is_served_in_order() {
    let mut world = World::new().await;
    world.window = Window { lane: 50, queue: 10_000 };
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..1_000).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().waiting, 50);
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 1);
    world.until_count("succeeded", 1_000).await;
    worker.stop().await;
    let order: Vec<Uuid> = doer.runs.lock().unwrap().iter().map(|(_, id)| *id).collect();
    assert_eq!(order, jobs.iter().map(|job| job.id).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_smallest_window_still_lets_a_backlog_through() {
    let mut world = World::new().await;
    world.window = Window { lane: 1, queue: 1_000 };
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..50).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let worker = world.work(Doer::default().registry(), 2);
    let _keeping = world.keep();
    world.until_count("succeeded", 50).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_is_given_back_overtakes_nobody_who_waits_in_the_ledger() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "", 2).await;
    let taken = bare.take(2).await;
    let window = Window { lane: 4, queue: 10_000 };
    let mut urgent: Vec<Envelope> = (0..6).map(|_| envelope(Uuid::now_v7(), tenant, "", 1, "k")).collect();
    urgent.iter_mut().for_each(|job| job.header.priority = 1);
    assert_eq!(bare.lanes.push(Q, &urgent, window, Instant::now()).await.unwrap(), 4);
    assert_eq!(bare.lanes.release(Q, &taken).await.unwrap(), 2);
    let ids = |jobs: &[Envelope]| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(&bare.take(9).await), ids(&urgent[..4]), "two that are more urgent have to come first");
    bare.lanes.refill(Q, &[&urgent[4..], &taken[..]].concat(), window, Instant::now()).await.unwrap();
    assert_eq!(ids(&bare.take(9).await), ids(&[&urgent[4..], &taken[..]].concat()), "refilled");
}

#[tokio::test]
async fn a_queue_at_its_cap_still_serves_a_newcomer() {
    let mut world = World::new().await;
    world.window = Window { lane: 1_000, queue: 200 };
    let (noisy, quiet) = (Uuid::now_v7(), Uuid::now_v7());
    let backlog: Vec<NewJob> = (0..500).map(|_| world.job(noisy, Act::Succeed)).collect();
    world.enqueue(&backlog).await;
    world.enqueue(&[world.job(quiet, Act::Succeed)]).await;
    assert!(world.claim(4).await.iter().any(|job| job.header.tenant == quiet));
}

#[tokio::test]
async fn lanes_whose_jobs_may_not_start_do_not_keep_out_those_whose_may() {
    let mut world = World::new().await;
    world.window = Window { lane: 20, queue: 40 };
    let shut = PauseScope::Lane(LaneName { tenant: Uuid::nil(), lane: "shut".into() });
    controls::pause(&mut world.ledger.get().await.unwrap(), QUEUE, &shut, None, "", "").await.unwrap();
    world.lanes.pause(QUEUE, &shut, None).await.unwrap();
    let lane_of = |tenant, lane: &str| NewJob { lane: lane.into(), ..world.job(tenant, Act::Succeed) };
    let tenants: Vec<Uuid> = (0..3_000).map(|_| Uuid::now_v7()).collect();
    for some in tenants.chunks(500) {
        let jobs: Vec<NewJob> = some.iter().flat_map(|tenant| (0..3).map(|_| lane_of(*tenant, "shut"))).collect();
        world.enqueue(&jobs).await;
    }
    let open = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..600).map(|_| lane_of(open, "open")).collect();
    world.enqueue(&jobs).await;
    let worker = world.work(Doer::default().registry(), 8);
    let _keeping = world.keep();
    world.until_count("succeeded", 600).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_redis_holds_is_bounded_however_many_lanes_wait() {
    let mut world = World::new().await;
    world.window = Window { lane: 1_000, queue: 40 };
    let tenants: Vec<Uuid> = (0..200).map(|_| Uuid::now_v7()).collect();
    let backlog: Vec<NewJob> =
        tenants.iter().flat_map(|tenant| (0..20).map(|_| world.job(*tenant, Act::Succeed))).collect();
    world.enqueue(&backlog).await;
    let held = world.lanes.queue_stats(QUEUE).await.unwrap().waiting;
    assert!((200..=2 * 40 + 200).contains(&held), "{held} of 4,000");
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 32);
    world.until_count("succeeded", 4_000).await;
    worker.stop().await;
}

#[tokio::test]
async fn lanes_are_refilled_while_the_keeper_is_held_up_elsewhere() {
    let mut world = World::new().await;
    world.window = Window { lane: 10, queue: 1_000 };
    let lane = [LaneName { tenant: Uuid::now_v7(), lane: String::new() }];
    let jobs: Vec<NewJob> = (0..40).map(|_| world.job(lane[0].tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let _keeper = world.keep();
    let refilled = async || {
        let long = Duration::from_secs(600);
        assert_eq!(world.lanes.claim(QUEUE, 10, long, "by-hand").await.unwrap().jobs.len(), 10);
        let until = Instant::now() + Duration::from_secs(15);
        while world.lanes.depths(QUEUE, &lane).await.unwrap()[0] < 10 {
            assert!(Instant::now() < until, "the lane is not refilled");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    refilled().await;
    let mut blocker = world.ledger.get().await.unwrap();
    blocker.batch_execute("BEGIN; LOCK TABLE queue.group_deltas").await.unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'queue.group_deltas'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let until = Instant::now() + Duration::from_secs(15);
    while world.number(waits).await == 0 {
        assert!(Instant::now() < until, "no duty needs this table");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    refilled().await;
    assert_eq!(world.number(waits).await, 1, "its other duties wait still");
    blocker.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_refill_reads_what_it_brings_and_not_the_backlog() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..3_000).map(|_| world.job(tenant, Act::Succeed)).collect();
    for some in jobs.chunks(1_000) {
        world.accept(some).await;
    }
    // Nothing has been analysed yet: a partition of today that grew since midnight.
    let wanted: Vec<(Uuid, Uuid)> = jobs.iter().take(300).map(|job| (tenant, job.id)).collect();
    let mut conn = world.ledger.get().await.unwrap();
    let read = conn
        .transaction(async |conn| {
            assert_eq!(ledger::refill::waiting(conn, &wanted).await?.len(), wanted.len());
            assert_eq!(ledger::refill::still_waiting(conn, &wanted).await?.len(), wanted.len());
            diesel::select(diesel::dsl::sql::<diesel::sql_types::Int8>(
                "(SELECT sum(seq_tup_read + idx_tup_fetch)::int8 FROM pg_stat_xact_user_tables
                  WHERE schemaname = 'queue')",
            ))
            .get_result::<i64>(conn)
            .await
        })
        .await
        .unwrap();
    assert_eq!(read, 600);
}
