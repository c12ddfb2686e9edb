//! `[queue]`: the queue engine.

use super::reader::Reader;

/// Settings of the queue engine.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Jobs of one lane that Redis holds at the most; the rest waits in PostgreSQL.
    pub lane_window: usize,
}

impl QueueConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("queue");
        Self { lane_window: section.within("lane_window", "1000", 1..=100_000) }
    }
}
