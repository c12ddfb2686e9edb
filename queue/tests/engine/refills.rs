//! What happens in the middle of a round of refills: more comes, there is no room, the keeper is told to stop.

use std::time::{Duration, Instant};

use patchbay_queue::lanes::Window;
use patchbay_queue::*;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::turnstile::Turnstile;
use crate::world::{Act, QUEUE, World};

/// In the statement that looks who is next, and in the one that reads these.
const LOOKS: &str = "h.id, s.priority FROM steps";
const READS: &str = "ORDER BY w.n";
const LONG: Duration = Duration::from_secs(600);

fn lane(tenant: Uuid) -> [LaneName; 1] {
    [LaneName { tenant, lane: String::new() }]
}

async fn depth(world: &World, tenant: Uuid) -> u64 {
    world.lanes.depths(QUEUE, &lane(tenant)).await.unwrap()[0]
}

async fn is_full(world: &World, tenant: Uuid) -> bool {
    world.lanes.are_full(QUEUE, &lane(tenant)).await.unwrap()[0]
}

/// Waits for what must come of itself.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A lane of which ten run and five wait in the ledger, and a keeper that has looked which, and is kept from reading them.
async fn mid_round() -> (World, Uuid, Turnstile, CancellationToken, tokio::task::JoinHandle<()>) {
    let mut world = World::new().await;
    world.window = Window { lane: 10, queue: 1_000 };
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..15).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.enqueue(&jobs).await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(world.keeper().run(stop.clone()));
    until("the keeper has audited", async || world.lanes.oldest(QUEUE).await.unwrap().is_some()).await;
    let mut turnstile = Turnstile::shut(&world).await;
    assert_eq!(world.lanes.claim(QUEUE, 10, LONG, "by-hand").await.unwrap().jobs.len(), 10);
    turnstile.until(LOOKS).await;
    turnstile.until(READS).await;
    assert_eq!((depth(&world, tenant).await, is_full(&world, tenant).await), (0, true));
    (world, tenant, turnstile, stop, keeping)
}

#[tokio::test]
async fn a_lane_that_gets_more_while_its_last_jobs_are_brought_stays_marked() {
    let (world, tenant, mut turnstile, _stop, _keeping) = mid_round().await;
    let more: Vec<NewJob> = (0..20).map(|_| world.job(tenant, Act::Succeed)).collect();
    ledger::insert(&mut turnstile.inside, &more).await.unwrap();
    turnstile.until(LOOKS).await;
    turnstile.open().await;
    until("the lane is not filled", async || depth(&world, tenant).await == 10).await;
    // The mark comes right after; an audit would set it in seconds.
    let marked = async || while !is_full(&world, tenant).await {};
    let soon = tokio::time::timeout(Duration::from_secs(1), marked()).await;
    soon.expect("fifteen wait in the ledger: what comes now would overtake them");
}

#[tokio::test]
async fn a_keeper_that_is_stopped_ends_the_round_that_it_has_begun() {
    let (world, tenant, turnstile, stop, keeping) = mid_round().await;
    stop.cancel();
    turnstile.open().await;
    tokio::time::timeout(Duration::from_secs(20), keeping).await.expect("it stops").unwrap();
    assert_eq!((depth(&world, tenant).await, is_full(&world, tenant).await), (5, false));
}

#[tokio::test]
async fn a_round_ends_where_there_is_no_room_and_nothing_is_overtaken() {
    let mut world = World::new().await;
    world.window = Window { lane: 10_000, queue: 700 };
    let tenant = Uuid::now_v7();
    let jobs: Vec<NewJob> = (0..600).map(|_| world.job(tenant, Act::Succeed)).collect();
    let _keeper = world.keep();
    world.enqueue_one(Act::Succeed).await;
    until("the keeper has audited", async || world.lanes.oldest(QUEUE).await.unwrap().is_some()).await;
    let mut turnstile = Turnstile::shut(&world).await;
    ledger::insert(&mut turnstile.inside, &jobs).await.unwrap();
    world.lanes.mark_full(QUEUE, &lane(tenant)).await.unwrap();
    turnstile.turn().await;
    turnstile.until(READS).await;
    // Somebody else's jobs take the room.
    let other = Uuid::now_v7();
    let others: Vec<Envelope> = (0..699).map(|_| Envelope::from(&world.job(other, Act::Succeed))).collect();
    world.lanes.push(QUEUE, &others, world.window, Instant::now()).await.unwrap();
    // The first part is read (in two steps, where its statement is new), and meets a full queue while the second is read.
    while depth(&world, tenant).await < 16 {
        turnstile.turn().await;
        turnstile.until(READS).await;
        let soon = async || while depth(&world, tenant).await < 16 {};
        let _few_places_are_for_everybody = tokio::time::timeout(Duration::from_secs(1), soon()).await;
    }
    let gone: Vec<(Uuid, LaneName)> = others.iter().map(|job| (job.id, lane(other)[0].clone())).collect();
    world.lanes.withdraw(QUEUE, &gone).await.unwrap();
    turnstile.turn().await;
    turnstile.until(LOOKS).await;
    let here = world.lanes.claim(QUEUE, 600, LONG, "by-hand").await.unwrap().jobs;
    let here: Vec<Uuid> = here.iter().filter(|job| job.header.tenant == tenant).map(|job| job.id).collect();
    assert!(here.iter().eq(jobs.iter().map(|job| &job.id).take(here.len())), "some of {} overtook others", here.len());
    turnstile.open().await;
}

#[tokio::test]
async fn what_is_enqueued_faster_than_redis_takes_it_is_left_to_a_refill_and_not_overtaken() {
    let world = World::new().await;
    let dispatcher = Dispatcher::start(world.lanes.clone(), world.window);
    let (fast, tenant) = (Uuid::now_v7(), Uuid::now_v7());
    let many: Vec<NewJob> = (0..20_000).map(|_| world.job(fast, Act::Succeed)).collect();
    let jobs: Vec<NewJob> = (0..3).map(|_| world.job(tenant, Act::Succeed)).collect();
    world.accept(&jobs).await;
    // At once: on this thread nobody pushes meanwhile.
    dispatcher.push(&many, Instant::now());
    dispatcher.push(&jobs[..2], Instant::now());
    until("the lane is marked", async || is_full(&world, tenant).await).await;
    until("all are pushed", async || is_full(&world, fast).await).await;
    dispatcher.push(&jobs[2..], Instant::now());
    let last = world.job(Uuid::now_v7(), Act::Succeed);
    dispatcher.push(std::slice::from_ref(&last), Instant::now());
    until("it is pushed", async || depth(&world, last.tenant_id).await == 1).await;
    assert_eq!(depth(&world, tenant).await, 0, "two are to come before it");
    let _keeper = world.keep();
    until("a refill brings them", async || depth(&world, tenant).await == 3).await;
}
