//! `[scheduler]`: the scheduler, of which any number may run.

use std::{net::SocketAddr, time::Duration};

use super::reader::Reader;

/// Settings of the scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// Where health and metrics are served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How often providers are asked about messages without a final receipt.
    pub reconcile_every: Duration,
    /// How often what is past its age is removed.
    pub retention_every: Duration,
}

impl SchedulerConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("scheduler");
        let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        Self {
            listen: section.get("listen", "127.0.0.1:8082"),
            reconcile_every: section.within("reconcile_every", "15m", seconds(1, 86_400)),
            retention_every: section.within("retention_every", "1h", seconds(1, 604_800)),
        }
    }
}
