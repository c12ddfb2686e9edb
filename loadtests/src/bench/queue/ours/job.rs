//! The job of these benches: 200 bytes that say when it was enqueued.

use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

use crate::bench::queue::field::PAYLOAD;

/// The queue of these benches.
pub const QUEUE: &str = "bench";

/// A job that does nothing, or waits.
#[derive(Debug, Serialize, Deserialize)]
pub struct Nothing {
    /// When it was enqueued, in microseconds of the world's life; 0 where nobody asks.
    pub at_us: u64,
    /// Fills the payload up.
    pub pad: String,
}

impl Nothing {
    /// One of [`PAYLOAD`] bytes.
    pub fn new(at_us: u64) -> Self {
        let bare = format!(r#"{{"at_us":{at_us},"pad":""}}"#);
        Self { at_us, pad: "x".repeat(PAYLOAD.saturating_sub(bare.len())) }
    }
}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_the_size_that_is_compared() {
        for at_us in [0, 1, 123_456_789] {
            assert_eq!(serde_json::to_vec(&Nothing::new(at_us)).unwrap().len(), PAYLOAD);
        }
    }
}
