//! Lanes without a ledger: an empty namespace in Redis, envelopes pushed straight into it.

use std::time::{Duration, Instant};

use patchbay_queue::lanes::{Claimed, Limit, Rate, Window};
use patchbay_queue::*;
use uuid::Uuid;

use crate::world::{Act, Work};

/// A queue of its own.
pub struct Bare {
    pub lanes: Lanes,
    namespace: String,
}

/// The queue's name.
pub const Q: &str = "bare";

/// Takes as much as a test likes to push.
pub const ALL: Window = Window { lane: 1_000_000, queue: 10_000_000 };

impl Bare {
    /// An open queue.
    pub async fn new() -> Self {
        let bare = Self::closed();
        bare.lanes.open(Q, false).await.unwrap();
        bare
    }

    /// A queue that nobody has opened.
    pub fn closed() -> Self {
        Self::at(&std::env::var("REDIS_URL").expect("REDIS_URL"))
    }

    /// The same in another Redis.
    pub fn at(url: &str) -> Self {
        let namespace = format!("bare-{}", Uuid::now_v7().simple());
        Self { lanes: Lanes::connect(url, &namespace).unwrap(), namespace }
    }

    /// A connection that looks behind the lanes' back.
    pub async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(std::env::var("REDIS_URL").expect("REDIS_URL")).unwrap();
        client.get_multiplexed_async_connection().await.unwrap()
    }

    /// The name of a key of the queue.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{{{Q}}}:{name}", self.namespace)
    }

    /// Pushes `jobs` of cost one.
    pub async fn fill(&self, tenant: Uuid, lane: &str, jobs: usize) -> Vec<Envelope> {
        self.fill_with(tenant, lane, jobs, 1, "k").await
    }

    pub async fn fill_with(&self, tenant: Uuid, lane: &str, jobs: usize, cost: i32, kind: &str) -> Vec<Envelope> {
        let jobs: Vec<Envelope> = (0..jobs).map(|_| envelope(Uuid::now_v7(), tenant, lane, cost, kind)).collect();
        self.lanes.push(Q, &jobs, ALL, Instant::now()).await.unwrap();
        jobs
    }

    /// Takes jobs for a long time.
    pub async fn take(&self, want: usize) -> Vec<Envelope> {
        self.claim(want).await.jobs
    }

    pub async fn claim(&self, want: usize) -> Claimed {
        self.lanes.claim(Q, want, Duration::from_secs(600), "by-hand").await.unwrap()
    }

    pub async fn ack(&self, jobs: &[Envelope]) {
        let leases: Vec<_> = jobs.iter().map(|job| (job.id, job.token)).collect();
        assert_eq!(self.lanes.ack(Q, &leases).await.unwrap(), jobs.len());
    }

    pub async fn limit(&self, limit: Limit) {
        self.lanes.set_limits(Q, &[limit]).await.unwrap();
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let (lanes, handle) = (self.lanes.clone(), tokio::runtime::Handle::current());
        handle.spawn(async move { lanes.forget(Q).await });
    }
}

pub fn envelope(id: Uuid, tenant: Uuid, lane: &str, cost: i32, kind: &str) -> Envelope {
    let request = JobRequest::new(id, tenant, Work { act: Act::Succeed }).lane(lane).cost(cost);
    let job = NewJob { kind: kind.to_owned(), ..request.into() };
    Envelope::from(&job)
}

pub fn key(tenant: Uuid, lane: &str) -> LaneName {
    LaneName { tenant, lane: lane.into() }
}

/// The key of a prefix that all tenants share.
pub fn shared(lane: &str) -> LaneName {
    key(SYSTEM_TENANT, lane)
}

pub fn rate(key: LaneName, per_second: f64, burst: i32) -> Limit {
    Limit { rate: Some(Rate { per_second, burst }), ..Limit::new(key) }
}

pub fn most(key: LaneName, concurrency: i32) -> Limit {
    Limit { concurrency: Some(concurrency), ..Limit::new(key) }
}
