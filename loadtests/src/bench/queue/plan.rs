//! How much is done of everything.

use crate::bench::Scale;

/// The parts of this bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Redis and its scripts alone.
    Dispatcher,
    /// Enqueue in bulk and drain, beside the peers.
    Throughput,
    /// Enqueue one by one, beside the peers.
    Single,
    /// Enqueue to start, beside the peers.
    Latency,
    /// A noisy neighbour, and the peers behind a backlog.
    Neighbour,
    /// Redis's and a worker's memory.
    Memory,
    /// A group of a million, and lists of a million.
    Millions,
    /// A killed worker.
    Recovery,
    /// One, two and four worker processes.
    Scaling,
}

/// Counts; a twentieth of all of it, once, where the bench is only tried out.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds of which the median counts.
    pub rounds: usize,
    /// Jobs enqueued in bulk and worked off.
    pub drain: usize,
    /// Jobs enqueued one by one.
    pub single: usize,
    /// Jobs of which the latency is measured.
    pub latency: usize,
    /// Jobs that wait in front of a peer's one.
    pub behind: usize,
    /// Jobs that wait beside our one.
    pub neighbour: usize,
    /// Tries of that one.
    pub tries: usize,
    /// Jobs that wait while Redis is weighed.
    pub memory: usize,
    /// Members of a group, and jobs of a list.
    pub million: usize,
    /// Jobs of which some are in flight when their worker is killed.
    pub recovery: usize,
    /// How many are.
    pub in_flight: usize,
    /// Jobs for each worker process.
    pub scaling: usize,
}

impl Plan {
    /// The counts at this scale; `rounds` where somebody wants other than the usual ones.
    pub fn new(scale: Scale, rounds: Option<usize>) -> Self {
        Self {
            rounds: rounds.unwrap_or(if scale.is_quick() { 1 } else { 3 }).max(1),
            drain: scale.of(100_000),
            single: scale.of(10_000),
            latency: scale.of(3_000),
            behind: scale.of(100_000),
            neighbour: scale.of(1_000_000),
            tries: scale.of(200),
            memory: scale.of(5_000_000),
            million: scale.of(1_000_000),
            recovery: scale.of(10_000),
            in_flight: scale.of(1_000),
            scaling: scale.of(5_000),
        }
    }
}
