//! On a good day every job runs once: no crash, no duplicate, whatever refills and renewals do meanwhile.

use std::collections::HashSet;

use patchbay_queue::NewJob;
use patchbay_queue::lanes::Window;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_with_refills_and_renewals_runs_every_job_once() {
    let mut world = World::new().await;
    world.window = Window { lane: 40, queue: 400 };
    let _keeper = world.keep();
    let tenants: Vec<Uuid> = (0..5).map(|_| Uuid::now_v7()).collect();
    for tenant in &tenants {
        let jobs: Vec<NewJob> = (0..800).map(|_| world.job(*tenant, Act::Succeed)).collect();
        world.enqueue(&jobs).await;
    }
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 32);
    world.until_count("succeeded", 4_000).await;
    worker.stop().await;
    let ids: HashSet<Uuid> = doer.runs.lock().unwrap().iter().map(|(_, id)| *id).collect();
    assert_eq!((doer.count(), ids.len()), (4_000, 4_000));
    assert_eq!(world.lanes.queue_stats(QUEUE).await.unwrap().running, 0, "no lease outlives its job");
}
