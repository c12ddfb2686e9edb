//! Fairness where Redis holds next to nothing of what waits: shares are the weights' while the keeper refills.
//!
//! From the first job on it holds while the keeper keeps up, so the pool is given a pace: with jobs that take no time this
//! window of 50 lasts the heaviest tenant for some 30 ms, and it is behind until its lane's window has grown and it has
//! caught up. That a larger window comes of it is tested in `keeper/pace.rs`, that each gets its part of what is brought in
//! `keeper/parts.rs`, and that who ran dry catches up in `owed.rs`.

use std::time::{Duration, Instant};

use patchbay_queue::lanes::{Limit, Window};
use patchbay_queue::ledger::controls;
use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::key;
use crate::world::{Act, Doer, QUEUE, World};

const WEIGHTS: [f64; 3] = [1.0, 2.0, 4.0];
/// Jobs of each tenant. Of the first half of all jobs the heaviest gets four in seven, and has some left.
const EACH: usize = 2_000;
const HALF: usize = EACH * WEIGHTS.len() / 2;

/// Tenants with a backlog each, of which Redis holds 50.
async fn backlogs<const N: usize>(weights: [f64; N]) -> (World, [Uuid; N]) {
    let mut world = World::new().await;
    world.window = Window { lane: 50, ..world.window };
    let tenants = weights.map(|_| Uuid::now_v7());
    for (tenant, weight) in tenants.into_iter().zip(weights) {
        weigh(&world, tenant, weight).await;
        for _ in 0..EACH / 1_000 {
            let jobs: Vec<NewJob> = (0..1_000).map(|_| world.job(tenant, Act::Sleep(20))).collect();
            world.accept(&jobs).await;
        }
    }
    world.keeper().sweep().await.unwrap();
    let lanes: Vec<LaneName> = tenants.iter().map(|tenant| key(*tenant, "")).collect();
    assert_eq!(world.lanes.depths(QUEUE, &lanes).await.unwrap(), [50; N], "the rest is in the ledger");
    (world, tenants)
}

/// Sets a weight as the API does: in the ledger, and in force at once.
async fn weigh(world: &World, tenant: Uuid, weight: f64) {
    let limit = Limit { weight: Some(weight), ..Limit::new(key(tenant, "")) };
    let mut conn = world.ledger.get().await.unwrap();
    controls::set_limit(&mut conn, QUEUE, &limit).await.unwrap();
    world.lanes.set_limits(QUEUE, &[limit]).await.unwrap();
}

async fn until_run(doer: &Doer, jobs: usize) {
    let begun = Instant::now();
    while doer.count() < jobs {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of {jobs}", doer.count());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Within 2 % of the weights, and as fair by Jain's index.
fn assert_shares<const N: usize>(runs: &[(Uuid, Uuid)], tenants: [Uuid; N], weights: [f64; N]) {
    let sum: f64 = weights.iter().sum();
    let served = tenants.map(|tenant| runs.iter().filter(|(of, _)| *of == tenant).count() as f64);
    let shares: Vec<f64> =
        served.iter().zip(weights).map(|(served, weight)| served / runs.len() as f64 * sum / weight).collect();
    assert!(shares.iter().all(|share| (0.98..=1.02).contains(share)), "{shares:?} of their shares: {served:?}");
    let (sum, squares) = shares.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let jain = sum * sum / (shares.len() as f64 * squares);
    assert!(jain >= 0.98, "Jain's index {jain} of {shares:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_the_weights_while_two_workers_are_fed_from_the_ledger() {
    let (world, tenants) = backlogs(WEIGHTS).await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let workers = [0; 2].map(|_| world.work(doer.registry(), 4));
    until_run(&doer, HALF).await;
    let runs = doer.runs.lock().unwrap()[..HALF].to_vec();
    for worker in workers {
        worker.stop().await;
    }
    assert_shares(&runs, tenants, WEIGHTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_follow_a_weight_that_is_changed_under_load_for_what_waits_already() {
    let (world, tenants) = backlogs([1.0, 1.0]).await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let workers = [0; 2].map(|_| world.work(doer.registry(), 4));
    until_run(&doer, 400).await;
    weigh(&world, tenants[1], 3.0).await;
    // Those that run already, and what was claimed meanwhile.
    let from = doer.count() + 20;
    until_run(&doer, from + 1_600).await;
    let runs = doer.runs.lock().unwrap().clone();
    for worker in workers {
        worker.stop().await;
    }
    assert_shares(&runs[from..from + 1_600], tenants, [1.0, 3.0]);
}
