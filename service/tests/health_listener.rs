//! The listener as a balancer and a scraper see it, over real HTTP.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use patchbay_service::{
    Shutdown,
    config::HttpConfig,
    health::{self, Health, HealthServer},
    http, metrics,
};
use reqwest::{Client, Response};
use serde_json::Value;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Probe {
    client: Client,
    server: HealthServer,
}

impl Probe {
    async fn of(health: &Health) -> Self {
        let limit = Duration::from_secs(5);
        let config = HttpConfig {
            connect_timeout: limit,
            request_timeout: limit,
            pool_idle_timeout: limit,
            pool_idle_per_host: 1,
        };
        Self { client: http::client(&config).unwrap(), server: health::serve(ANY_PORT, health).await.unwrap() }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("http://{}{path}", self.server.address())).send().await.unwrap()
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_failing_check_is_a_problem_that_names_it() {
    let health = Health::builder("patchbay-worker", &Shutdown::new())
        .check("database", || async { Err("no connection".to_owned()) })
        .check("redis", || async { Ok(()) })
        .build();
    let probe = Probe::of(&health).await;

    assert_eq!(probe.get("/healthz").await.status(), 200, "weather outside does not make a process dead");
    let answer = probe.get("/readyz").await;
    assert_eq!(answer.status(), 503);
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    assert_eq!(header(&answer, "retry-after"), "1");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["code"], "unavailable");
    assert_eq!(body["detail"], "database: no connection");
    assert_eq!(body["checks"][0]["state"], "failed");
    assert_eq!(body["checks"][1]["state"], "ok");
}

#[tokio::test]
async fn it_is_ready_again_within_seconds_of_the_repair() {
    let up = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&up);
    let check = move || {
        let up = seen.load(Ordering::SeqCst);
        async move { if up { Ok(()) } else { Err("down".to_owned()) } }
    };
    let probe = Probe::of(&Health::builder("t", &Shutdown::new()).check("redis", check).build()).await;
    assert_eq!(probe.get("/readyz").await.status(), 503);
    up.store(true, Ordering::SeqCst);
    let ready = async {
        while probe.get("/readyz").await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ready).await.expect("a result is kept for a second only");
}

#[tokio::test]
async fn draining_is_not_ready_and_still_alive() {
    let shutdown = Shutdown::new();
    let probe = Probe::of(&Health::builder("t", &shutdown).build()).await;
    assert_eq!(probe.get("/readyz").await.status(), 200);
    shutdown.drain();
    let body: Value = probe.get("/readyz").await.json().await.unwrap();
    assert_eq!(body["detail"], "draining");
    assert_eq!(probe.get("/healthz").await.status(), 200);
    probe.server.stop().await.unwrap();
}

#[tokio::test]
async fn metrics_are_served_in_prometheus_text() {
    metrics::install("t").unwrap();
    let probe = Probe::of(&Health::builder("t", &Shutdown::new()).build()).await;
    let answer = probe.get("/metrics").await;
    assert_eq!(header(&answer, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(answer.text().await.unwrap().contains("patchbay_build_info"));
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_it() {
    let health = Health::builder("t", &Shutdown::new()).build();
    let first = health::serve(ANY_PORT, &health).await.unwrap();
    let error = health::serve(first.address(), &health).await.unwrap_err();
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}
