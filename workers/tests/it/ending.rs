//! Leaving on a signal: what runs is finished, or given back and finished elsewhere, and costs nothing.

use nix::sys::signal::Signal;

use crate::program::Program;
use crate::world::{Standing, World};

fn succeeded(crashes: i16, interruptions: i32) -> Standing {
    Standing { state: "succeeded".into(), errors: 0, crashes, interruptions }
}

#[tokio::test]
async fn the_first_signal_lets_a_running_job_finish() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    let (id, lock) = world.enqueue_held().await;
    world.until_held().await;
    worker.signal(Signal::SIGTERM);
    worker.says("waiting for running jobs").await;
    assert_eq!(world.standing(id).await.state, "waiting");
    // What comes now is not taken any more.
    world.enqueue_many(5).await;
    lock.rollback().await.unwrap();
    assert_eq!(worker.ended().await, Some(0));
    assert_eq!(world.standing(id).await, succeeded(0, 0));
    assert_eq!(world.count("SELECT count(*) AS count FROM queue.jobs WHERE state = 'waiting'").await, 5);
}

#[tokio::test]
async fn when_the_grace_is_over_the_job_goes_back_and_another_worker_finishes_it() {
    let world = World::new().await;
    let mut start = world.worker(&["--queues", "maintenance=1"]);
    start.env("PATCHBAY__WORKER__SHUTDOWN_GRACE", "1s");
    let mut worker = Program::start(start).await;
    let (id, lock) = world.enqueue_held().await;
    world.until_held().await;
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().await, Some(0));
    let standing = world.standing(id).await;
    assert_eq!((standing.interruptions, standing.crashes), (1, 0), "{:#?}", worker.lines());
    lock.rollback().await.unwrap();
    let _other = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", 1).await;
    assert_eq!(world.standing(id).await, succeeded(0, 1));
}

#[tokio::test]
async fn the_second_signal_does_not_wait_for_the_grace() {
    let world = World::new().await;
    let mut start = world.worker(&["--queues", "maintenance=1"]);
    start.env("PATCHBAY__WORKER__SHUTDOWN_GRACE", "1h");
    let mut worker = Program::start(start).await;
    let (id, _lock) = world.enqueue_held().await;
    world.until_held().await;
    worker.signal(Signal::SIGTERM);
    worker.says("waiting for running jobs").await;
    worker.signal(Signal::SIGINT);
    assert_eq!(worker.ended().await, Some(0));
    let standing = world.standing(id).await;
    assert_eq!((standing.interruptions, standing.crashes), (1, 0), "{:#?}", worker.lines());
}
