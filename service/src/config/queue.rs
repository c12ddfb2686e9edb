//! `[queue]`: the queue engine.

use super::reader::Reader;

/// Settings of the queue engine.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Jobs of one lane that Redis holds at the most; the rest waits in PostgreSQL.
    pub lane_window: usize,
    /// Jobs of one tenant that may wait in one queue, where the operator has set no other depth for it.
    pub tenant_depth: u32,
}

impl QueueConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("queue");
        Self {
            lane_window: section.within("lane_window", "1000", 1..=100_000),
            tenant_depth: section.within("tenant_depth", "1000000", 1..=1_000_000_000),
        }
    }
}
