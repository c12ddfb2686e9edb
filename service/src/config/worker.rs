//! `[worker]`: the worker process and what its queues may do at once.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use super::reader::Reader;

/// The queues and how many jobs of each one process runs at once. A new queue is one line here and one in the example.
const QUEUES: [(&str, &str); 8] = [
    ("sends", "64"),
    ("receipts", "16"),
    ("imports", "2"),
    ("inbound", "16"),
    ("reconcile", "4"),
    ("jobs", "2"),
    ("schedules", "8"),
    ("maintenance", "2"),
];

/// Settings of the worker.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Where health and metrics are served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How long running jobs may go on after the first signal to stop.
    pub shutdown_grace: Duration,
    /// How long a job of a silent worker stays its own.
    pub lease: Duration,
    /// Jobs of each queue that this process runs at once, at the most.
    pub queues: BTreeMap<&'static str, usize>,
    /// How much one job takes on at a time.
    pub slices: Slices,
    /// When a provider is first asked about a message whose receipt has not come.
    pub reconcile_after: Duration,
}

/// How many records one job claims with one statement.
#[derive(Debug, Clone, Copy)]
pub struct Slices {
    /// Messages.
    pub sends: usize,
    /// Messages without a final receipt.
    pub reconcile: usize,
}

impl WorkerConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("worker");
        let listen = section.get("listen", "127.0.0.1:8081");
        let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        let shutdown_grace = section.within("shutdown_grace", "20s", seconds(0, 3_600));
        // A dead worker's jobs must be back within 15 s, which bounds the lease.
        let lease = section.within("lease", "10s", seconds(2, 15));
        let reconcile_after = section.within("reconcile_after", "5m", seconds(1, 86_400));
        let mut section = reader.section("worker.queues");
        let queues = QUEUES.map(|(name, default)| (name, section.within(name, default, 0..=10_000))).into();
        let mut section = reader.section("worker.slices");
        let slices = Slices {
            sends: section.within("sends", "100", 1..=10_000),
            reconcile: section.within("reconcile", "500", 1..=10_000),
        };
        Self { listen, shutdown_grace, lease, queues, slices, reconcile_after }
    }
}
