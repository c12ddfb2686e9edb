//! Redis or PostgreSQL go away under load: nothing is lost, nothing counts as an error, and no worker stops.

use std::time::Duration;

use patchbay_queue::NewJob;
use uuid::Uuid;

use crate::relay::{Line, Relay};
use crate::world::{Act, Doer, World};

const JOBS: usize = 1_200;
/// Longer than a lease of the tests' workers.
const AWAY: Duration = Duration::from_secs(3);

/// What is troubled.
#[derive(Clone, Copy)]
enum Server {
    Postgres,
    Redis,
}

async fn trouble(server: Server, line: Line) {
    let world = World::new().await;
    let (postgres, ledger) = Relay::to(world.url()).await;
    let (redis, lanes) = Relay::to(&std::env::var("REDIS_URL").unwrap()).await;
    let behind = world.behind(&ledger, &lanes);
    let _keeper = behind.keep();
    let doer = Doer::default();
    let workers = [behind.work(doer.registry(), 8), behind.work(doer.registry(), 8)];
    let tenants: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
    let jobs: Vec<NewJob> = (0..JOBS).map(|n| world.job(tenants[n % 10], Act::Sleep(5))).collect();
    world.enqueue(&jobs).await;
    world.until_at_least("succeeded", 100).await;

    let relay = match server {
        Server::Postgres => &postgres,
        Server::Redis => &redis,
    };
    relay.set(line);
    tokio::time::sleep(AWAY).await;
    assert!(world.count("succeeded").await < i64::try_from(JOBS).unwrap(), "the trouble came under load");
    relay.set(Line::Up);

    world.until_count("succeeded", i64::try_from(JOBS).unwrap()).await;
    assert_eq!(world.errors().await, 0, "weather is nobody's error");
    let after = world.enqueue_one(Act::Succeed).await;
    world.until(after, &["succeeded"]).await;
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_be_restarted_under_load() {
    trouble(Server::Postgres, Line::Down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_fall_silent_under_load() {
    trouble(Server::Postgres, Line::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_restarted_under_load() {
    trouble(Server::Redis, Line::Down).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_fall_silent_under_load() {
    trouble(Server::Redis, Line::Silent).await;
}
