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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_the_weights_while_two_workers_are_fed_from_the_ledger() {
    let mut world = World::new().await;
    world.window = Window { lane: 50, ..world.window };
    let tenants = WEIGHTS.map(|_| Uuid::now_v7());
    let mut conn = world.ledger.get().await.unwrap();
    for (tenant, weight) in tenants.into_iter().zip(WEIGHTS) {
        let limit = Limit { weight: Some(weight), ..Limit::new(key(tenant, "")) };
        controls::set_limit(&mut conn, QUEUE, &limit).await.unwrap();
        let jobs: Vec<NewJob> = (0..EACH).map(|_| world.job(tenant, Act::Sleep(20))).collect();
        world.accept(&jobs).await;
    }
    drop(conn);
    world.keeper().sweep().await.unwrap();
    let lanes = tenants.map(|tenant| key(tenant, ""));
    assert_eq!(world.lanes.depths(QUEUE, &lanes).await.unwrap(), [50; 3], "the rest is in the ledger");
    let _keeper = world.keep();

    let (doer, begun) = (Doer::default(), Instant::now());
    let workers = [0; 2].map(|_| world.work(doer.registry(), 4));
    while doer.count() < HALF {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of {HALF}", doer.count());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let runs: Vec<Uuid> = doer.runs.lock().unwrap()[..HALF].iter().map(|(tenant, _)| *tenant).collect();
    for worker in workers {
        worker.stop().await;
    }

    let served = tenants.map(|tenant| runs.iter().filter(|of| **of == tenant).count() as f64);
    let sum: f64 = WEIGHTS.iter().sum();
    let shares = [0, 1, 2].map(|n| served[n] / HALF as f64 * sum / WEIGHTS[n]);
    assert!(shares.iter().all(|share| (0.98..=1.02).contains(share)), "{shares:?} of their shares: {served:?}");
    let (sum, squares) = shares.iter().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let jain = sum * sum / (shares.len() as f64 * squares);
    assert!(jain >= 0.98, "Jain's index {jain} of {shares:?}");
}
