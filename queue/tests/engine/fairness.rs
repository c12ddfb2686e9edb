//! Who is served when not all can be.

use std::collections::HashMap;

use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, QUEUE, Work, World};

async fn fill(world: &World, tenant: Uuid, lane: &str, jobs: usize, cost: i32) {
    let jobs: Vec<NewJob> = (0..jobs)
        .map(|_| JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed }).lane(lane).cost(cost).into())
        .collect();
    world.enqueue(&jobs).await;
}

/// Claims `rounds` times `want` jobs and counts them by tenant.
async fn shares(world: &World, rounds: usize, want: usize) -> HashMap<Uuid, usize> {
    let mut shares = HashMap::new();
    for _ in 0..rounds {
        for job in world.claim(want).await {
            *shares.entry(job.header.tenant).or_default() += 1;
        }
    }
    shares
}

#[tokio::test]
async fn a_newcomer_is_served_before_a_backlog() {
    let world = World::new().await;
    let (noisy, quiet) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&world, noisy, "", 900, 1).await;
    world.claim(50).await;
    fill(&world, quiet, "", 1, 1).await;
    let next = world.claim(2).await;
    assert!(next.iter().any(|job| job.header.tenant == quiet));
}

#[tokio::test]
async fn equal_tenants_get_equal_shares() {
    let world = World::new().await;
    let tenants: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    for tenant in &tenants {
        fill(&world, *tenant, "", 100, 1).await;
    }
    let shares = shares(&world, 50, 20).await;
    let served: Vec<f64> = tenants.iter().map(|t| shares.get(t).copied().unwrap_or(0) as f64).collect();
    let (sum, squares) = served.iter().fold((0.0, 0.0), |(s, q), x| (s + x, q + x * x));
    let jain = sum * sum / (served.len() as f64 * squares);
    assert!(jain >= 0.98, "Jain index {jain}, shares {served:?}");
}

#[tokio::test]
async fn weights_set_while_jobs_wait_divide_the_shares() {
    let world = World::new().await;
    let (light, heavy) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&world, light, "", 900, 1).await;
    fill(&world, heavy, "", 900, 1).await;
    world.lanes.set_weight(QUEUE, heavy, 3.0).await.unwrap();
    let shares = shares(&world, 400, 2).await;
    let ratio = shares[&heavy] as f64 / shares[&light] as f64;
    assert!((2.9..=3.1).contains(&ratio), "{ratio}");
}

#[tokio::test]
async fn cost_counts_not_jobs() {
    let world = World::new().await;
    let (small, large) = (Uuid::now_v7(), Uuid::now_v7());
    fill(&world, small, "", 600, 1).await;
    fill(&world, large, "", 600, 5).await;
    let shares = shares(&world, 300, 1).await;
    let ratio = shares[&small] as f64 / shares[&large] as f64;
    assert!((4.5..=5.5).contains(&ratio), "{ratio}");
}

#[tokio::test]
async fn lanes_of_a_tenant_take_turns() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    fill(&world, tenant, "a", 200, 1).await;
    fill(&world, tenant, "b", 200, 1).await;
    let mut by_lane: HashMap<String, usize> = HashMap::new();
    for _ in 0..100 {
        for job in world.claim(1).await {
            *by_lane.entry(job.header.lane).or_default() += 1;
        }
    }
    assert_eq!(by_lane, HashMap::from([("a".into(), 50), ("b".into(), 50)]));
}

#[tokio::test]
async fn a_lane_is_served_in_order_and_priority_goes_first() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    let mut jobs: Vec<NewJob> = (0..20).map(|_| world.job(tenant, Act::Succeed)).collect();
    jobs[19].priority = 5;
    world.enqueue(&jobs).await;
    let order: Vec<Uuid> = world.claim(20).await.iter().map(|job| job.id).collect();
    let mut expected: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
    expected.rotate_right(1);
    assert_eq!(order, expected);
}
