//! One queue at work, as the rest of its process sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Inflight, Shared, Vitals};
use crate::clock::EngineClock;
use crate::lanes::{Lanes, SHOWN_AT_MOST, ServedQueue, WorkerJob};

/// What is left of the leases of a process that falls: longer than it takes to end.
const FALL: Duration = Duration::from_secs(1);

/// A handle to a [`QueueBackend`](super::QueueBackend) that outlives its being handed to apalis; cheap to clone.
#[derive(Clone)]
pub struct Serving {
    pub(super) shared: Arc<Shared>,
}

impl Serving {
    /// The queue's name.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.shared.queue
    }

    /// What runs now; also the way to stop it before its time.
    #[must_use]
    pub fn inflight(&self) -> &Inflight {
        &self.shared.inflight
    }

    /// Whether the loops are alive.
    #[must_use]
    pub fn vitals(&self) -> &Vitals {
        &self.shared.vitals
    }

    /// Cancel this to claim no more; what runs goes on.
    #[must_use]
    pub fn draining(&self) -> &CancellationToken {
        &self.shared.draining
    }

    /// For a process that ends at once and can give nothing back: what it has in hand is others' within a second or two, not
    /// when the leases run out. The way to Redis is one that still works, of the runtime that asks. Nothing may run here
    /// after it.
    pub async fn fall(&self, lanes: &Lanes) {
        // Or a claim would bring more, under whole leases.
        self.shared.draining.cancel();
        self.shared.inflight.close();
        let leases = self.shared.inflight.leases();
        let renewed = lanes.renew(&self.shared.queue, &self.shared.settings.worker, &leases, FALL);
        if !matches!(tokio::time::timeout(FALL / 2, renewed).await, Ok(Ok(_))) {
            tracing::warn!(queue = self.shared.queue, jobs = leases.len(), "the leases run out by themselves");
        }
    }

    /// The engine's clock.
    #[must_use]
    pub fn clock(&self) -> &EngineClock {
        &self.shared.settings.clock
    }

    /// What the list of workers shows of it.
    #[must_use]
    pub fn view(&self) -> ServedQueue {
        let mut running = self.shared.inflight.running();
        running.sort_unstable_by_key(|job| job.since);
        let mut tenants = BTreeMap::new();
        for job in &running {
            *tenants.entry(job.lane.tenant).or_insert(0) += 1;
        }
        let shown = running.iter().take(SHOWN_AT_MOST).map(|job| WorkerJob {
            id: job.id,
            kind: job.kind.clone(),
            tenant: job.lane.tenant,
            lane: job.lane.lane.clone(),
            since: job.since,
        });
        ServedQueue {
            queue: self.shared.queue.clone(),
            concurrency: self.shared.settings.concurrency,
            running: running.len(),
            tenants,
            kinds: self.shared.kinds.get().cloned().unwrap_or_default(),
            jobs: shown.collect(),
        }
    }
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serving").field("queue", &self.shared.queue).finish_non_exhaustive()
    }
}
