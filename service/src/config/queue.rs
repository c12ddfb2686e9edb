//! `[queue]`: the queue engine.

use super::reader::Reader;

/// Settings of the queue engine.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// Jobs of one lane that Redis holds, more where they are worked off fast; the rest waits in PostgreSQL. A more
    /// urgent one that comes later waits until half of them are gone.
    pub lane_window: usize,
    /// Jobs of one queue that Redis holds, but for a few of each lane.
    pub queue_window: usize,
    /// Jobs of one tenant that may wait in one queue, where the operator has set no other depth for it.
    pub tenant_depth: u32,
}

impl QueueConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("queue");
        Self {
            lane_window: section.within("lane_window", "1000", 1..=100_000),
            queue_window: section.within("queue_window", "50000", 1_000..=1_000_000),
            tenant_depth: section.within("tenant_depth", "1000000", 1..=1_000_000_000),
        }
    }
}
