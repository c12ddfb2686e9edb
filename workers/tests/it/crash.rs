//! Dying without a word: what the dead worker had is run by another, and nothing is lost or counted twice.

use nix::sys::signal::Signal;

use crate::program::Program;
use crate::world::{Standing, World};

#[tokio::test]
async fn the_job_of_a_killed_worker_is_finished_by_another() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    let (id, lock) = world.enqueue_held().await;
    world.until_held().await;
    worker.signal(Signal::SIGKILL);
    assert_eq!(worker.ended().await, None);
    let _other = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    lock.rollback().await.unwrap();
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", 1).await;
    assert_eq!(
        world.standing(id).await,
        Standing { state: "succeeded".into(), errors: 0, crashes: 1, interruptions: 0 }
    );
}

#[tokio::test]
async fn under_load_a_killed_worker_loses_nothing() {
    const JOBS: i64 = 600;
    let world = World::new().await;
    let mut victim = Program::start(world.worker(&["--queues", "maintenance=8"])).await;
    let _other = Program::start(world.worker(&["--queues", "maintenance=8"])).await;
    world.enqueue_many(usize::try_from(JOBS).unwrap()).await;
    for _ in 0..1200 {
        if world.count("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'").await > JOBS / 10 {
            break;
        }
    }
    victim.signal(Signal::SIGKILL);
    victim.ended().await;
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", JOBS).await;
    let unwell = "SELECT count(*) AS count FROM queue.jobs WHERE errors > 0 OR crashes > 1 OR state <> 'succeeded'";
    assert_eq!(world.count(unwell).await, 0);
    let stats = world.db.db().dispatcher().lanes().queue_stats("maintenance").await.unwrap();
    assert_eq!((stats.waiting, stats.running), (0, 0), "no slot leaks");
}
