//! What a supervisor sees.

use std::time::Duration;

use nix::sys::signal::Signal;
use patchbay_service::http::install_tls;
use reqwest::StatusCode;

use crate::program::Program;
use crate::world::World;

async fn get(url: &str) -> Option<(StatusCode, String)> {
    install_tls();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let answer = client.get(url).send().await.ok()?;
    Some((answer.status(), answer.text().await.unwrap()))
}

/// Waits until the worker is ready; what it says then.
async fn until_ready(url: &str) -> String {
    let mut last = None;
    for _ in 0..300 {
        last = get(&format!("{url}/readyz")).await;
        if let Some((StatusCode::OK, ready)) = last {
            return ready;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not ready: {last:?}");
}

/// An address at which nobody answers, until a relay to `server` is started there.
async fn away() -> std::net::SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Lets the server at `server` be reached under `address`.
async fn comes(address: std::net::SocketAddr, server: String) -> tokio::task::JoinHandle<()> {
    let relay = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        // Dropped with the relay: a server that goes away takes its connections with it.
        let mut carried = tokio::task::JoinSet::new();
        while let Ok((mut from, _)) = relay.accept().await {
            let server = server.clone();
            carried.spawn(async move {
                let mut to = tokio::net::TcpStream::connect(&server).await.unwrap();
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    })
}

fn redis_server() -> String {
    std::env::var("REDIS_URL").unwrap().trim_start_matches("redis://").trim_end_matches('/').to_owned()
}

/// The server of a URL, and the URL with another in its place.
fn moved(url: &str, to: std::net::SocketAddr) -> (String, String) {
    let (before, rest) = url.rsplit_once('@').unwrap_or_else(|| url.split_once("://").unwrap());
    let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mark = if url.contains('@') { "@" } else { "://" };
    (server.to_owned(), format!("{before}{mark}{to}/{path}"))
}

const SUCCEEDED: &str = "SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'";

#[tokio::test]
async fn a_worker_is_alive_ready_and_measured() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&[])).await;
    let url = worker.url().await;
    let ready = until_ready(&url).await;
    for check in ["database", "redis", "claims"] {
        assert!(ready.contains(check), "{check} is not in {ready}");
    }
    assert_eq!(get(&format!("{url}/healthz")).await.unwrap().0, StatusCode::OK);
    world.enqueue_many(3).await;
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", 3).await;
    let (_, metrics) = get(&format!("{url}/metrics")).await.unwrap();
    let counted = "queue_outcomes_total{queue=\"maintenance\",kind=\"maintenance.partitions\",outcome=\"succeeded\"} 3";
    for line in [
        counted,
        "queue_wait_seconds_bucket",
        "queue_run_seconds_bucket",
        "queue_end_to_end_seconds_bucket",
        "queue_last_claim_seconds",
    ] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().await, Some(0));
}

#[tokio::test]
async fn a_worker_without_redis_is_alive_and_not_ready_and_gets_ready_again() {
    let world = World::new().await;
    let address = away().await;
    let mut start = world.worker(&[]);
    start.env("REDIS_URL", format!("redis://{address}"));
    let worker = Program::start(start).await;
    let url = worker.url().await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.contains("redis"), "{ready}");
    assert_eq!(get(&format!("{url}/healthz")).await.unwrap().0, StatusCode::OK);

    let _redis = comes(address, redis_server()).await;
    world.enqueue_many(3).await;
    world.until(SUCCEEDED, 3).await;
    until_ready(&url).await;
}

#[tokio::test]
async fn a_worker_started_before_postgres_waits_for_it_and_works() {
    let world = World::new().await;
    let address = away().await;
    let (server, url) = moved(world.db.url(), address);
    let mut start = world.worker(&[]);
    start.env("DATABASE_URL", url);
    let worker = Program::start(start).await;
    let url = worker.url().await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.contains("database"), "{ready}");
    // Claimed before the ledger is there: what they did is written when it comes.
    world.enqueue_many(3).await;
    let _postgres = comes(address, server).await;
    world.until(SUCCEEDED, 3).await;
    until_ready(&url).await;
    let unwell = "SELECT count(*) AS count FROM queue.jobs WHERE errors > 0 OR crashes > 0";
    assert_eq!(world.count(unwell).await, 0, "{:#?}", worker.lines());
}

#[tokio::test]
async fn a_worker_is_not_ready_while_redis_is_away_and_ready_again_after() {
    let world = World::new().await;
    let address = away().await;
    let redis = comes(address, redis_server()).await;
    let mut start = world.worker(&[]);
    start.env("REDIS_URL", format!("redis://{address}"));
    let worker = Program::start(start).await;
    let url = worker.url().await;
    until_ready(&url).await;
    redis.abort();
    assert!(redis.await.unwrap_err().is_cancelled());
    let unready = async {
        while get(&format!("{url}/readyz")).await.unwrap().0 == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), unready).await.expect("it says so");
    let _redis = comes(address, redis_server()).await;
    until_ready(&url).await;
    world.enqueue_many(3).await;
    world.until(SUCCEEDED, 3).await;
}

#[tokio::test]
async fn a_draining_worker_is_not_ready() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&["--queues", "maintenance=1"])).await;
    let url = worker.url().await;
    until_ready(&url).await;
    let (_, lock) = world.enqueue_held().await;
    world.until_held().await;
    worker.signal(Signal::SIGTERM);
    worker.says("waiting for running jobs").await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.contains("draining"), "{ready}");
    lock.rollback().await.unwrap();
    assert_eq!(worker.ended().await, Some(0));
}
