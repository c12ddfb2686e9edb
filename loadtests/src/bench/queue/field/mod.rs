//! Who is measured beside whom: our engine, two stock apalis stores compiled in, and other queues as scripts.
//!
//! All of them are asked the same through [`Contender`], each in a place of its own that is empty (a database, a Redis
//! namespace), on the same servers, a moment after each other. Rejected: figures from other people's pages; a
//! queue's rate says more about the disk and the cores than about the queue.

#[cfg(feature = "peers")]
mod apalis;
mod entrant;
mod npm;
mod place;
mod script;

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;

pub use entrant::{Entrant, Store};
pub use place::Place;

/// Jobs of one bulk call.
pub const BATCH: usize = 1_000;
/// Bulk calls under way at a time.
pub const BULK_CALLS: usize = 4;
/// Single calls under way at a time.
pub const SINGLE_CALLS: usize = 50;
/// Jobs that a worker may run at a time where they do nothing.
pub const CONCURRENCY: usize = 256;
/// Arrivals a second where latency is measured.
pub const RATE: f64 = 500.0;
/// The pool that a neighbour has filled.
pub const POOL: usize = 100;
/// How long a job of that neighbour takes.
pub const NEIGHBOUR: Duration = Duration::from_millis(5);
/// Bytes of a payload as JSON.
pub const PAYLOAD: usize = 200;

/// From the call that enqueues to the start of the run.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
}

/// A queue in an empty place.
#[async_trait]
pub trait Contender: Send {
    /// Enqueues `count` jobs, [`BATCH`] a call, [`BULK_CALLS`] at a time; answers how long that took.
    async fn enqueue(&mut self, count: usize) -> Result<Duration>;
    /// Runs the `count` jobs that wait, until its store says that none is left.
    async fn drain(&mut self, count: usize) -> Result<Duration>;
    /// Enqueues `count` jobs one by one, [`SINGLE_CALLS`] at a time.
    async fn one_by_one(&mut self, count: usize) -> Result<Duration>;
    /// Lets `count` jobs come, [`RATE`] a second, to a worker that has nothing else to do.
    async fn latency(&mut self, count: usize) -> Result<Spread>;
    /// With what was enqueued before running on a full [`POOL`]: how long one more job waits for its start.
    async fn behind(&mut self) -> Result<Duration>;
    /// Where its jobs are.
    fn place(&self) -> &Place;
    /// What explains the figures.
    fn remarks(&mut self) -> Vec<String> {
        Vec::new()
    }
    /// Leaves the place empty.
    async fn close(self: Box<Self>) -> Result<()>;
}
