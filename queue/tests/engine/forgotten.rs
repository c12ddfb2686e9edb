//! Groups that retention has put away, and what still comes of their members.

use std::time::Duration;

use patchbay_queue::ledger::groups;
use patchbay_queue::ledger::settle::End;
use patchbay_queue::ledger::{Inserted, dead as dead_letters};
use patchbay_queue::*;
use uuid::Uuid;

use crate::told::{dead, request};
use crate::world::World;

/// A sealed group of two that has ended: one member well, one as a dead letter.
async fn ended(world: &World, tenant: Uuid, id: Uuid) -> NewJob {
    let jobs: Vec<NewJob> = (0..2).map(|_| request(tenant).group(id).into()).collect();
    world.tell_all(&jobs).await;
    world.end(&jobs[0], 1, End::Succeeded(None)).await;
    world.end(&jobs[1], 1, dead()).await;
    let mut conn = world.ledger.get().await.unwrap();
    groups::seal(&mut conn, tenant, id).await.unwrap();
    world.follow().await;
    jobs[1].clone()
}

async fn retain(world: &World) -> usize {
    let mut conn = world.ledger.get().await.unwrap();
    groups::forget_before(&mut conn, chrono::Utc::now() + Duration::from_secs(60), 100).await.unwrap()
}

/// Total, succeeded, failed and discarded; nothing where there is no such group.
async fn counts(world: &World, tenant: Uuid, id: Uuid) -> Option<[i64; 4]> {
    world.follow().await;
    let mut conn = world.ledger.get().await.unwrap();
    let view = groups::get(&mut conn, tenant, id).await.unwrap();
    view.map(|of| [of.total, of.succeeded, of.failed, of.discarded])
}

#[tokio::test]
async fn a_group_is_kept_as_long_as_one_of_its_dead_letters() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let failed = ended(&world, tenant, id).await;
    assert_eq!(retain(&world).await, 0, "its dead letter may be redriven yet");
    let mut conn = world.ledger.get().await.unwrap();
    dead_letters::discard(&mut conn, tenant, &[failed.id]).await.unwrap();
    assert_eq!(counts(&world, tenant, id).await, Some([2, 1, 0, 1]));
    assert_eq!(retain(&world).await, 1);
    assert_eq!(counts(&world, tenant, id).await, None);
}

#[tokio::test]
async fn what_becomes_of_the_members_of_a_group_that_is_gone_keeps_no_other_from_being_counted() {
    let world = World::new().await;
    let (tenant, other) = (Uuid::now_v7(), Uuid::now_v7());
    for mend in ["redrive", "discard"] {
        let id = Uuid::now_v7();
        let failed = ended(&world, tenant, id).await;
        world.sql(&format!("DELETE FROM queue.groups WHERE id = '{id}'")).await;
        let mut conn = world.ledger.get().await.unwrap();
        if mend == "redrive" {
            dead_letters::redrive(&mut conn, tenant, &[failed.id]).await.unwrap();
            world.end(&failed, 2, End::Succeeded(None)).await;
        } else {
            dead_letters::discard(&mut conn, tenant, &[failed.id]).await.unwrap();
        }
        world.tell(request(tenant).group(other)).await;
        assert_eq!(counts(&world, tenant, id).await, None, "{mend}");
    }
    assert_eq!(counts(&world, tenant, other).await, Some([2, 0, 0, 0]));
    assert_eq!(world.rows_of("queue.group_deltas").await, 0);
}

#[tokio::test]
async fn a_group_that_was_gone_comes_into_being_with_its_next_member_and_takes_the_old_ones_back() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let (first, second) = (ended(&world, tenant, id).await, ended(&world, tenant, id).await);
    let mut conn = world.ledger.get().await.unwrap();
    world.sql(&format!("DELETE FROM queue.groups WHERE id = '{id}'")).await;
    let (new, outcome) = world.tell(request(tenant).group(id)).await;
    assert_eq!(outcome, Inserted::Waiting);
    assert_eq!(counts(&world, tenant, id).await, Some([1, 0, 0, 0]));
    dead_letters::redrive(&mut conn, tenant, &[first.id]).await.unwrap();
    dead_letters::discard(&mut conn, tenant, &[second.id]).await.unwrap();
    assert_eq!(counts(&world, tenant, id).await, Some([3, 0, 0, 1]));
    groups::seal(&mut conn, tenant, id).await.unwrap();
    world.end(&new, 1, End::Succeeded(None)).await;
    world.end(&first, 2, End::Succeeded(None)).await;
    assert_eq!(counts(&world, tenant, id).await, Some([3, 2, 0, 1]));
    assert!(groups::get(&mut conn, tenant, id).await.unwrap().unwrap().ended_at.is_some());
}

#[tokio::test]
async fn an_end_that_the_group_never_heard_the_beginning_of_stops_no_fold() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    let failed = ended(&world, tenant, id).await;
    let mut conn = world.ledger.get().await.unwrap();
    world.sql(&format!("DELETE FROM queue.groups WHERE id = '{id}'")).await;
    // It comes back while there is no group, and ends when there is one again.
    dead_letters::redrive(&mut conn, tenant, &[failed.id]).await.unwrap();
    assert_eq!(counts(&world, tenant, id).await, None);
    let (new, _) = world.tell(request(tenant).group(id)).await;
    world.end(&failed, 2, End::Succeeded(None)).await;
    world.end(&new, 1, End::Succeeded(None)).await;
    assert_eq!(counts(&world, tenant, id).await, Some([2, 2, 0, 0]));
}

#[tokio::test]
async fn who_waited_for_a_group_that_is_gone_is_let_go() {
    let world = World::new().await;
    let (tenant, id) = (Uuid::now_v7(), Uuid::now_v7());
    ended(&world, tenant, id).await;
    let (then, outcome) = world.tell(request(tenant).after_group(id)).await;
    assert_eq!(outcome, Inserted::Held, "for its dead letter");
    world.sql(&format!("DELETE FROM queue.groups WHERE id = '{id}'")).await;
    world.keeper().sweep().await.unwrap();
    world.keeper().sweep().await.unwrap();
    assert_eq!(world.state(then.id).await, "waiting");
}
