//! What is set aside is counted queue by queue, and never said to be less than it may be.

use patchbay_queue::ledger::aside::{self, Aside, Capped};
use uuid::Uuid;

use crate::world::World;

/// Puts `count` jobs of `tenant` into `queue`, set aside as `state` says (a state, and who holds it).
async fn put(world: &World, tenant: Uuid, queue: &str, count: usize, (state, held_by): (&str, &str)) {
    world
        .sql(&format!(
            "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts, state, held_by)
             SELECT '{tenant}', gen_random_uuid(), '{queue}', 'k', 1, '', now(), 1, '{state}', nullif('{held_by}', '')
             FROM generate_series(1, {count})"
        ))
        .await;
}

async fn look<const N: usize>(world: &World, queues: [&str; N], tenant: Option<Uuid>) -> Vec<Aside> {
    let mut conn = world.ledger.get().await.unwrap();
    diesel_async::AsyncConnection::transaction(&mut *conn, async |conn| aside::queues(conn, &queues, tenant).await)
        .await
        .unwrap()
}

const fn exactly(jobs: u64) -> Capped {
    Capped { jobs, at_least: false }
}

const fn at_least(jobs: u64) -> Capped {
    Capped { jobs, at_least: true }
}

fn aside(queue: &str, [scheduled, held, dead]: [Capped; 3]) -> Aside {
    Aside { queue: queue.to_owned(), scheduled, held, dead }
}

#[tokio::test]
async fn what_is_planned_held_or_dead_is_counted_by_queue_and_for_each_tenant() {
    let world = World::new().await;
    let [one, two] = [Uuid::now_v7(), Uuid::now_v7()];
    for (tenant, queue, count, state) in [
        (one, "a", 3, ("scheduled", "")),
        (one, "b", 2, ("scheduled", "")),
        (two, "a", 4, ("scheduled", "")),
        (one, "a", 5, ("held", "kind_pause")),
        (two, "a", 1, ("held", "version")),
        (two, "a", 1, ("held", "approval")),
        (two, "b", 6, ("dead", "")),
        (two, "b", 9, ("waiting", "")),
        (two, "b", 9, ("succeeded", "")),
    ] {
        put(&world, tenant, queue, count, state).await;
    }
    let all = [aside("a", [7, 7, 0].map(exactly)), aside("b", [2, 0, 6].map(exactly))];
    assert_eq!(look(&world, ["a", "b"], None).await, all);
    let own = [aside("a", [3, 5, 0].map(exactly)), aside("b", [2, 0, 0].map(exactly))];
    assert_eq!(look(&world, ["a", "b"], Some(one)).await, own);
}

#[tokio::test]
async fn what_a_pause_holds_is_seen_behind_all_that_another_queue_has_held() {
    let world = World::new().await;
    put(&world, Uuid::nil(), "deep", 10_100, ("held", "approval")).await;
    put(&world, Uuid::max(), "paused", 20, ("held", "kind_pause")).await;
    put(&world, Uuid::max(), "paused", 3, ("held", "version")).await;
    let held: Vec<Capped> =
        look(&world, ["deep", "paused", "empty"], None).await.into_iter().map(|queue| queue.held).collect();
    assert_eq!(held, [at_least(10_000), at_least(23), at_least(0)], "there may be more that nobody looked at");
    let own = look(&world, ["deep", "paused"], Some(Uuid::max())).await;
    assert_eq!(own.into_iter().map(|queue| queue.held).collect::<Vec<_>>(), [exactly(0), exactly(23)]);
}

#[tokio::test]
async fn a_tenants_planned_jobs_of_one_queue_hide_none_of_another() {
    let world = World::new().await;
    let tenant = Uuid::now_v7();
    put(&world, tenant, "deep", 10_100, ("scheduled", "")).await;
    put(&world, tenant, "other", 2, ("scheduled", "")).await;
    let found = look(&world, ["deep", "other"], Some(tenant)).await;
    let planned: Vec<Capped> = found.into_iter().map(|queue| queue.scheduled).collect();
    assert_eq!(planned, [at_least(10_000), exactly(2)]);
}
