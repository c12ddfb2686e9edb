//! `[queue]`: the queue engine.

use std::time::Duration;

use super::reader::Reader;

/// Settings of the queue engine.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Jobs of one lane that Redis holds at the most; the rest waits in PostgreSQL.
    pub lane_window: usize,
    /// Outcomes written to the ledger at once, at the most.
    pub outcome_batch: usize,
    /// How long an outcome may wait for others to be written with it.
    pub outcome_delay: Duration,
}

impl QueueConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("queue");
        Self {
            lane_window: section.within("lane_window", "1000", 1..=100_000),
            outcome_batch: section.within("outcome_batch", "500", 1..=10_000),
            outcome_delay: section.within("outcome_delay", "5ms", Duration::from_millis(1)..=Duration::from_secs(1)),
        }
    }
}
