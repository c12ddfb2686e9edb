//! Leaving: what runs is finished or given back, what was not begun is untouched.

use std::sync::atomic::Ordering;
use std::time::Duration;

use patchbay_queue::NewJob;
use uuid::Uuid;

use crate::world::{Act, Doer, QUEUE, World};

#[tokio::test]
async fn a_stopping_worker_finishes_what_it_began_and_takes_nothing_new() {
    let world = World::new().await;
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let jobs: Vec<NewJob> = (0..40).map(|_| world.job(Uuid::now_v7(), Act::Sleep(200))).collect();
    world.enqueue(&jobs).await;
    while doer.now.load(Ordering::SeqCst) < 4 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.stop().await;
    let done = world.count("succeeded").await;
    assert_eq!(usize::try_from(done).unwrap(), doer.count(), "everything begun was finished");
    assert!(done < 40);
    let stats = world.lanes.queue_stats(QUEUE).await.unwrap();
    assert_eq!((stats.running, i64::try_from(stats.waiting).unwrap()), (0, 40 - done));
}

#[tokio::test]
async fn a_worker_in_a_hurry_gives_jobs_back_for_free() {
    let world = World::new().await;
    let _keeper = world.keep();
    let doer = Doer::default();
    let worker = world.work(doer.registry(), 4);
    let id = world.enqueue_one(Act::Sleep(10_000)).await;
    while doer.now.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(worker.inflight.running().len(), 1);
    worker.draining.cancel();
    worker.inflight.interrupt_all();
    worker.stop().await;
    let view = world.view(id).await;
    assert_eq!((view.interruptions, view.errors, view.crashes), (1, 0, 0));
    assert!(!view.is_over());
}
