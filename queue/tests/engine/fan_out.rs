//! Very many jobs that wait for one: they are let go in steps, and nobody else waits for that.

use std::collections::HashSet;

use patchbay_queue::ledger::dependencies;
use patchbay_queue::ledger::settle::{End, settle};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{request, settlement};
use crate::world::{Doer, World};

async fn after(world: &World, tenant: Uuid, on: &[Uuid], many: usize) -> Vec<NewJob> {
    let jobs: Vec<NewJob> =
        (0..many).map(|_| on.iter().fold(request(tenant), |job, on| job.after(*on)).into()).collect();
    world.tell_all(&jobs).await;
    jobs
}

/// Ends a job, and leaves what follows to others.
async fn end_alone(world: &World, job: &NewJob) {
    world.sql(&format!("UPDATE queue.jobs SET state = 'succeeded' WHERE id = '{}'", job.id)).await;
}

/// Lets go until nobody is left, a few at a time; answers whom.
async fn pass_on(world: &World, most: i32) -> Vec<Uuid> {
    let mut conn = world.ledger.get().await.unwrap();
    let mut free = Vec::new();
    while dependencies::any_ended(&mut conn).await.unwrap() {
        let step = dependencies::pass_on(&mut conn, most).await.unwrap();
        assert!(step.len() <= usize::try_from(most).unwrap(), "{} of {most}", step.len());
        free.extend(step.into_iter().map(|row| row.id));
    }
    free
}

#[tokio::test]
async fn those_who_wait_for_one_are_let_go_a_few_at_a_time_by_several_at_once_each_once() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    let (second, _) = world.tell(request(tenant)).await;
    after(&world, tenant, &[first.id], 2_000).await;
    after(&world, tenant, &[first.id, second.id], 1_000).await;
    end_alone(&world, &first).await;
    let (a, b, c) = tokio::join!(pass_on(&world, 70), pass_on(&world, 130), pass_on(&world, 1));
    assert_eq!([a, b, c].concat().into_iter().collect::<HashSet<_>>().len(), 2_000);
    assert_eq!((world.count("waiting").await, world.count("held").await), (2_001, 1_000), "these wait for the second");
    end_alone(&world, &second).await;
    let (a, b) = tokio::join!(pass_on(&world, 90), pass_on(&world, 60));
    assert_eq!(a.len() + b.len(), 1_000);
    assert_eq!((world.count("held").await, world.rows_of("queue.dependencies").await), (0, 0));
}

#[tokio::test]
async fn an_order_goes_on_at_once_beside_very_many_who_wait_for_another() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (many, _) = world.tell(request(tenant)).await;
    after(&world, tenant, &[many.id], 3_000).await;
    let (first, _) = world.tell(request(tenant).in_order("k")).await;
    let (then, _) = world.tell(request(tenant).in_order("k")).await;
    let mut conn = world.ledger.get().await.unwrap();
    let ends = [&many, &first].map(|job| settlement(job, 1, End::Succeeded(None)));
    let ready = settle(&mut conn, "w", &ends).await.unwrap().ready;
    assert!(ready.iter().any(|row| row.id == then.id));
    assert_eq!(ready.len(), 1_000, "one step; the rest is the keeper's");
    world.keeper().sweep().await.unwrap();
    assert_eq!((world.count("held").await, world.rows_of("queue.ended_targets").await), (0, 0));
}

#[tokio::test]
async fn a_dead_letter_with_very_many_behind_it_is_seen_to_and_not_looked_at_for_ever() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let (first, _) = world.tell(request(tenant)).await;
    after(&world, tenant, &[first.id], 30).await;
    let any: Vec<NewJob> = (0..30).map(|_| request(tenant).after_end(first.id).into()).collect();
    world.tell_all(&any).await;
    world.sql(&format!("UPDATE queue.jobs SET state = 'dead' WHERE id = '{}'", first.id)).await;
    let free: HashSet<Uuid> = pass_on(&world, 7).await.into_iter().collect();
    assert_eq!(free, any.iter().map(|job| job.id).collect());
    assert_eq!(world.count("held").await, 30);
    world.sql(&format!("UPDATE queue.jobs SET state = 'discarded' WHERE id = '{}'", first.id)).await;
    assert_eq!(pass_on(&world, 7).await.len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_thousand_jobs_after_one_all_run_and_each_once() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let first: NewJob = request(tenant).into();
    world.enqueue(std::slice::from_ref(&first)).await;
    after(&world, tenant, &[first.id], 3_000).await;
    let doer = Doer::default();
    let _keeper = world.keep();
    let workers = [world.work(doer.registry(), 16), world.work(doer.registry(), 16)];
    world.until_count("succeeded", 3_001).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(doer.count(), 3_001);
    assert_eq!(doer.runs.lock().unwrap().iter().collect::<HashSet<_>>().len(), 3_001);
    assert_eq!(world.rows_of("queue.dependencies").await, 0);
}
