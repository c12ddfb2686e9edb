//! Who is served when not all can be.

use std::collections::HashMap;

use patchbay_queue::*;
use uuid::Uuid;

use crate::bare::{Bare, key, most, shared};
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
async fn a_raised_weight_reaches_a_tenant_that_was_light_before() {
    let world = World::new().await;
    let (raised, other) = (Uuid::now_v7(), Uuid::now_v7());
    world.lanes.set_weight(QUEUE, raised, 0.01).await.unwrap();
    fill(&world, raised, "", 300, 1).await;
    fill(&world, other, "", 900, 1).await;
    // One visit, at what it costs it then: as much as thousands of the other's jobs.
    assert!(shares(&world, 1, 64).await[&raised] > 10);
    world.lanes.set_weight(QUEUE, raised, 4.0).await.unwrap();
    let shares = shares(&world, 100, 2).await;
    assert!(shares[&raised] > 50, "{} of 100: what one visit cost it at weight 1 may be missing", shares[&raised]);
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

fn jain(served: &[usize]) -> f64 {
    let (sum, squares) = served.iter().fold((0.0, 0.0), |(s, q), x| (s + *x as f64, q + (*x as f64).powi(2)));
    sum * sum / (served.len() as f64 * squares)
}

/// Claims by workers of many sizes, until `total` jobs were served; counts them by tenant.
async fn served(bare: &Bare, tenants: &[Uuid], total: usize) -> Vec<usize> {
    let (mut counts, mut all) = (vec![0; tenants.len()], 0);
    for want in [1, 3, 8, 20, 64, 5, 100, 2].into_iter().cycle() {
        let jobs = bare.take(want.min(total - all)).await;
        bare.ack(&jobs).await;
        all += jobs.len();
        for job in &jobs {
            counts[tenants.iter().position(|tenant| *tenant == job.header.tenant).unwrap()] += 1;
        }
        if all == total {
            return counts;
        }
    }
    counts
}

#[tokio::test]
async fn a_hundred_equal_tenants_are_served_alike() {
    let bare = Bare::new().await;
    let tenants: Vec<Uuid> = (0..100).map(|_| Uuid::now_v7()).collect();
    for (n, tenant) in tenants.iter().enumerate() {
        // Some have many lanes and a long backlog: that must not help them.
        for lane in 0..=n % 4 {
            bare.fill(*tenant, &format!("pa~{lane}"), 160 + n).await;
        }
    }
    let fair = served(&bare, &tenants, 8_000).await;
    assert!(jain(&fair) >= 0.98, "{fair:?}");
    // The same under a ceiling that all share.
    bare.limit(most(shared("pa"), 7)).await;
    let fair = served(&bare, &tenants, 6_000).await;
    assert!(jain(&fair) >= 0.98, "under a shared limit: {fair:?}");
}

#[tokio::test]
async fn shares_are_the_weights_within_two_percent() {
    let bare = Bare::new().await;
    let weights: [f64; 5] = [1.0, 1.5, 2.0, 4.0, 10.0];
    let tenants: Vec<Uuid> = weights.iter().map(|_| Uuid::now_v7()).collect();
    for ((tenant, weight), jobs) in tenants.iter().zip(weights).zip([1_700, 2_050, 2_400, 3_800, 8_000]) {
        bare.fill(*tenant, "", jobs).await;
        bare.lanes.set_weight("bare", *tenant, weight).await.unwrap();
    }
    let check = |served: &[usize], weights: &[f64]| {
        let (sum, all) = (weights.iter().sum::<f64>(), served.iter().sum::<usize>() as f64);
        for (served, weight) in served.iter().zip(weights) {
            let share = *served as f64 / all * sum / weight;
            assert!((0.98..=1.02).contains(&share), "weight {weight}: {share:.3} of its share");
        }
    };
    check(&served(&bare, &tenants, 10_175).await, &weights);
    // For what waits already.
    for tenant in &tenants {
        bare.lanes.set_weight("bare", *tenant, 3.0).await.unwrap();
    }
    let shares = served(&bare, &tenants, 4_500).await;
    check(&shares, &[3.0; 5]);
}

#[tokio::test]
async fn a_backlog_does_not_starve_beside_tenants_that_always_have_one_job() {
    let bare = Bare::new().await;
    let quick: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    // Later than the others by name, too: nothing but its turn helps it.
    let deep = Uuid::max();
    bare.fill(deep, "", 200).await;
    let mut count = 0;
    for _ in 0..100 {
        for tenant in &quick {
            if bare.lanes.tenant_lanes("bare", *tenant).await.unwrap().is_empty() {
                bare.fill(*tenant, "", 1).await;
            }
        }
        let jobs = bare.take(1).await;
        count += jobs.iter().filter(|job| job.header.tenant == deep).count();
        bare.ack(&jobs).await;
    }
    assert!((18..=22).contains(&count), "a fifth is its share: {count} of 100");
}

#[tokio::test]
async fn a_lane_does_not_starve_beside_lanes_that_always_have_one_job() {
    let bare = Bare::new().await;
    let tenant = Uuid::now_v7();
    bare.fill(tenant, "z", 200).await;
    let mut count = 0;
    for _ in 0..90 {
        for lane in ["a", "b"] {
            if bare.lanes.depths("bare", &[key(tenant, lane)]).await.unwrap() == [0] {
                bare.fill(tenant, lane, 1).await;
            }
        }
        let jobs = bare.take(1).await;
        count += jobs.iter().filter(|job| job.header.lane == "z").count();
        bare.ack(&jobs).await;
    }
    assert!((28..=32).contains(&count), "a third is its share: {count} of 90");
}
