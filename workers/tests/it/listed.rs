//! The live list of workers, told by real ones: queues and their slots by flag, what runs now, and leaving.

use std::time::Duration;

use nix::sys::signal::Signal;
use patchbay_queue::Lanes;
use patchbay_queue::lanes::WorkerView;

use crate::program::Program;
use crate::world::World;

fn lanes(world: &World) -> Lanes {
    world.db.db().dispatcher().lanes().clone()
}

/// Waits until the list is as `wanted` says.
async fn until(world: &World, wanted: impl Fn(&[WorkerView]) -> bool) -> Vec<WorkerView> {
    let mut last = Vec::new();
    for _ in 0..400 {
        last = lanes(world).workers().await.unwrap();
        if wanted(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the list is {last:#?}");
}

#[tokio::test]
async fn a_worker_is_listed_with_its_queues_and_slots_until_it_leaves() {
    let world = World::new().await;
    let arguments = ["--queues", "sends=7,maintenance=1,imports", "--concurrency", "3"];
    let mut worker = Program::start(world.worker(&arguments)).await;
    let mut other = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    let list = until(&world, |list| list.len() == 2).await;
    assert_ne!(list[0].id, list[1].id, "a new name for each process");
    let view = list.iter().find(|view| view.queues.len() == 3).unwrap();
    let slots: Vec<(&str, usize)> = view.queues.iter().map(|q| (q.queue.as_str(), q.concurrency)).collect();
    assert_eq!(slots, [("imports", 3), ("maintenance", 1), ("sends", 7)]);
    assert!(!view.host.is_empty() && !view.version.is_empty() && view.pid > 0 && !view.draining);
    assert!(view.queues.iter().all(|queue| queue.kinds.contains_key("messages.send")));
    for program in [&mut worker, &mut other] {
        program.signal(Signal::SIGTERM);
        assert_eq!(program.ended().await, Some(0));
    }
    assert_eq!(lanes(&world).workers().await.unwrap(), []);
}

#[tokio::test]
async fn the_list_shows_what_runs_and_who_drains_and_no_job_is_taken_without_a_slot() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    let (id, lock) = world.enqueue_held().await;
    world.until_held().await;
    world.enqueue_many(5).await;
    let list = until(&world, |list| list.iter().any(|view| view.queues[0].running == 1)).await;
    let job = &list[0].queues[0].jobs[0];
    assert_eq!((job.id, job.kind.as_str()), (id, "maintenance.retention"));
    let stats = lanes(&world).queue_stats("maintenance").await.unwrap();
    assert_eq!((stats.running, stats.waiting), (1, 5), "nothing is taken ahead");
    worker.signal(Signal::SIGTERM);
    until(&world, |list| list[0].draining).await;
    lock.rollback().await.unwrap();
    assert_eq!(worker.ended().await, Some(0));
    assert_eq!(lanes(&world).workers().await.unwrap(), []);
}
