//! The stores that come with apalis, as they are: apalis-postgres 1.0 and apalis-redis 1.0, in this process.
//!
//! Tuned as their documentation and tests do it for speed: large batches, no separate lock of each task (the fetch has
//! locked it already), every task on a tokio task of its own (`parallelize`), no event for each task.

mod postgres;
mod redis;
mod running;
mod seen;
mod steady;

pub use postgres::Postgres;
pub use redis::Redis;

use serde::{Deserialize, Serialize};

use super::PAYLOAD;

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Nothing {
    /// When it was enqueued, in microseconds of the bench's life; 0 where nobody asks.
    at_us: u64,
    pad: String,
}

impl Nothing {
    fn new(at_us: u64) -> Self {
        let bare = format!(r#"{{"at_us":{at_us},"pad":""}}"#);
        Self { at_us, pad: "x".repeat(PAYLOAD.saturating_sub(bare.len())) }
    }
}
