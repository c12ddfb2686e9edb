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

#[tokio::test]
async fn a_worker_is_alive_ready_and_measured() {
    let world = World::new().await;
    let mut worker = Program::start(world.worker(&[])).await;
    let url = worker.url().await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{ready}");
    for check in ["database", "redis", "claims"] {
        assert!(ready.contains(check), "{check} is not in {ready}");
    }
    assert_eq!(get(&format!("{url}/healthz")).await.unwrap().0, StatusCode::OK);
    world.enqueue_many(3).await;
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", 3).await;
    let (_, metrics) = get(&format!("{url}/metrics")).await.unwrap();
    let counted = "queue_outcomes_total{queue=\"maintenance\",kind=\"maintenance.partitions\",outcome=\"succeeded\"} 3";
    for line in [counted, "queue_wait_seconds_bucket", "queue_run_seconds_bucket", "queue_last_claim_seconds"] {
        assert!(metrics.contains(line), "{line} is not in:\n{metrics}");
    }
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().await, Some(0));
}

#[tokio::test]
async fn a_worker_without_redis_is_alive_and_not_ready_and_gets_ready_again() {
    let world = World::new().await;
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let mut start = world.worker(&[]);
    start.env("REDIS_URL", format!("redis://{address}"));
    let worker = Program::start(start).await;
    let url = worker.url().await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.contains("redis"), "{ready}");
    assert_eq!(get(&format!("{url}/healthz")).await.unwrap().0, StatusCode::OK);

    // Redis comes: a relay to the real one, under the address that nobody answered.
    let redis = std::env::var("REDIS_URL").unwrap();
    let real = redis.trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let relay = tokio::net::TcpListener::bind(address).await.unwrap();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = relay.accept().await {
            let mut to = tokio::net::TcpStream::connect(&real).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    world.enqueue_many(3).await;
    world.until("SELECT count(*) AS count FROM queue.jobs WHERE state = 'succeeded'", 3).await;
    let (status, ready) = get(&format!("{url}/readyz")).await.unwrap();
    assert_eq!(status, StatusCode::OK, "{ready}");
}
