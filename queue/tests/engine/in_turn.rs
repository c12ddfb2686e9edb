//! Where more is to be done than fits into a batch, each tenant gets a part of it: nobody waits behind another's crowd.

use std::collections::HashSet;

use diesel_async::SimpleAsyncConnection as _;
use patchbay_queue::NewJob;
use patchbay_queue::ledger::promote::{self, promote_in_turn};
use patchbay_queue::ledger::{dependencies, hold};
use uuid::Uuid;

use crate::told::request;
use crate::world::{QUEUE, World, in_ms};

/// Jobs of a tenant that have been due for so many seconds, and that nobody has looked at.
async fn due(world: &World, tenant: Uuid, many: usize, seconds: u32) -> Vec<Uuid> {
    let jobs: Vec<NewJob> = (0..many).map(|_| request(tenant).run_at(Some(in_ms(3_600_000))).into()).collect();
    for some in jobs.chunks(1_000) {
        world.tell_all(some).await;
    }
    world
        .sql(&format!("UPDATE queue.jobs SET run_at = now() - interval '{seconds} s' WHERE tenant_id = '{tenant}'"))
        .await;
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn a_job_that_is_due_is_in_the_next_batch_although_another_tenants_crowd_was_due_before() {
    let world = World::new().await;
    let (crowd, alone) = (Uuid::now_v7(), Uuid::now_v7());
    due(&world, crowd, 3_000, 60).await;
    let one = due(&world, alone, 1, 1).await.remove(0);
    let mut conn = world.ledger.get().await.unwrap();
    let rows = promote_in_turn(&mut conn, 1_000, &mut promote::Place::default()).await.unwrap();
    assert_eq!((rows.len(), rows.iter().filter(|row| row.id == one).count()), (1_000, 1), "a whole batch, and it");
    let rest = promote_in_turn(&mut conn, 5_000, &mut promote::Place::default()).await.unwrap();
    assert_eq!((rest.len(), world.count("scheduled").await), (2_001, 0), "what fits is taken as a whole");
}

#[tokio::test]
async fn due_jobs_of_more_tenants_than_fit_into_a_batch_are_promoted_round_and_round() {
    let world = World::new().await;
    let tenants = [0; 7].map(|_| Uuid::now_v7());
    for tenant in tenants {
        due(&world, tenant, 10, 5).await;
    }
    let mut conn = world.ledger.get().await.unwrap();
    let mut place = promote::Place::default();
    let mut served = HashSet::new();
    for _ in 0..4 {
        let rows = promote_in_turn(&mut conn, 2, &mut place).await.unwrap();
        assert_eq!(rows.len(), 2);
        served.extend(rows.iter().map(|row| row.tenant_id));
    }
    assert_eq!(served.len(), tenants.len());
}

#[tokio::test]
async fn a_job_becomes_due_in_time_although_another_duty_of_the_keeper_stands_still() {
    let world = World::new().await;
    let (first, _) = world.tell(request(Uuid::now_v7()).run_at(Some(in_ms(50)))).await;
    let _keeper = world.keep();
    world.until(first.id, &["waiting"]).await;
    let (then, _) = world.tell(request(Uuid::now_v7()).run_at(Some(in_ms(1_000)))).await;
    let mut other = world.ledger.get().await.unwrap();
    other.batch_execute("BEGIN; LOCK TABLE queue.ended_targets IN ACCESS EXCLUSIVE MODE").await.unwrap();
    world.until(then.id, &["waiting"]).await;
    other.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test]
async fn a_resumed_kind_comes_back_in_equal_parts() {
    let world = World::new().await;
    let (crowd, alone) = (Uuid::now_v7(), Uuid::now_v7());
    let jobs: Vec<NewJob> = (0..300).map(|_| request(crowd).into()).collect();
    world.tell_all(&jobs).await;
    let (one, _) = world.tell(request(alone)).await;
    world.sql("UPDATE queue.jobs SET state = 'held', held_by = 'kind_pause', held_reason = 'paused'").await;
    let mut conn = world.ledger.get().await.unwrap();
    let place = &mut hold::Place::default();
    let rows = hold::release_kind(&mut conn, QUEUE, "tests.work", 100, place).await.unwrap();
    assert_eq!((rows.len(), rows.iter().filter(|row| row.id == one.id).count()), (100, 1));
    // Where fewer are asked for than there are tenants, they take turns.
    world.sql("UPDATE queue.jobs SET state = 'held', held_by = 'version', held_reason = 'unknown'").await;
    let mut of = Vec::new();
    for _ in 0..2 {
        of.extend(hold::release_version(&mut conn, QUEUE, "tests.work", 1, 1, place).await.unwrap());
    }
    assert_eq!(of.iter().map(|row| row.tenant_id).collect::<HashSet<_>>(), HashSet::from([crowd, alone]));
    while !hold::release_version(&mut conn, QUEUE, "tests.work", 1, 64, place).await.unwrap().is_empty() {}
    assert_eq!(world.count("waiting").await, 301);
}

#[tokio::test]
async fn an_order_goes_on_at_once_beside_an_older_tenant_with_more_ends_than_a_step_sees_to() {
    let world = World::new().await;
    let (crowd, alone) = (Uuid::now_v7(), Uuid::now_v7());
    let (first, _) = world.tell(request(alone).in_order("k")).await;
    let (then, _) = world.tell(request(alone).in_order("k")).await;
    let ended = "INSERT INTO queue.ended_targets (tenant_id, id)";
    world.sql(&format!("{ended} SELECT '{crowd}', gen_random_uuid() FROM generate_series(1, 300)")).await;
    world.sql(&format!("UPDATE queue.jobs SET state = 'succeeded' WHERE id = '{}'", first.id)).await;
    let mut conn = world.ledger.get().await.unwrap();
    let free = dependencies::pass_on(&mut conn, 100).await.unwrap();
    assert_eq!(free.iter().map(|row| row.id).collect::<Vec<_>>(), [then.id]);
    assert_eq!(world.rows_of("queue.ended_targets").await, 201, "what it leaves is the crowd's");
}
