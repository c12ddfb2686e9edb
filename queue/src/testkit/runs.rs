//! Who runs, and under which keys; and runs whose worker vanished: their leases stand until they run out.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::keys::keys;
use super::row::TestJob;
use crate::backend::USUAL_LEASE;
use crate::lanes::LaneName;

/// So long after its worker vanished a job is back in its lane: a worker's usual lease.
pub const LEASE: Duration = USUAL_LEASE;

/// The jobs that run, or ran when their worker vanished.
#[derive(Default)]
pub(super) struct Runs {
    by_job: BTreeMap<Uuid, Run>,
    begun: i64,
}

struct Run {
    queue: String,
    keys: Vec<LaneName>,
    stop: CancellationToken,
    /// When its lease runs out, where nobody renews it any more.
    lost_at: Option<DateTime<Utc>>,
}

impl Runs {
    /// Begins a run; answers its fencing token.
    pub(super) fn begin(&mut self, job: &TestJob, stop: CancellationToken) -> i64 {
        let keys = keys(job.new.tenant_id, &job.new.lane);
        self.by_job.insert(job.new.id, Run { queue: job.new.queue.clone(), keys, stop, lost_at: None });
        self.begun += 1;
        self.begun
    }

    /// Ends a run, if it is one.
    pub(super) fn end(&mut self, job: Uuid) {
        self.by_job.remove(&job);
    }

    pub(super) fn has(&self, job: Uuid) -> bool {
        self.by_job.contains_key(&job)
    }

    /// How many run under a key.
    pub(super) fn under(&self, queue: &str, key: &LaneName) -> usize {
        self.by_job.values().filter(|run| run.queue == queue && run.keys.contains(key)).count()
    }

    /// Asks a run to stop; `false`: it is none.
    pub(super) fn stop(&self, job: Uuid) -> bool {
        self.by_job.get(&job).inspect(|run| run.stop.cancel()).is_some()
    }

    /// The worker of a run that has not ended has vanished.
    pub(super) fn lose(&mut self, job: Uuid, now: DateTime<Utc>) {
        if let Some(run) = self.by_job.get_mut(&job) {
            run.lost_at = Some(now + LEASE);
        }
    }

    /// Ends the leases that have run out; answers whose they were.
    pub(super) fn expire(&mut self, now: DateTime<Utc>) -> Vec<Uuid> {
        let over = |run: &mut Run| run.lost_at.is_some_and(|at| at <= now);
        self.by_job.extract_if(.., |_, run| over(run)).map(|(id, _)| id).collect()
    }
}
