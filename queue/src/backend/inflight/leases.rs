//! The leases of runs: renewed while they are ours, and what follows where one is not.
//!
//! How to break it: renew a run that was given up.

use std::time::Instant;

use uuid::Uuid;

use super::{Entry, Inflight, Phase, RunId};
use crate::lanes::LaneName;

impl Inflight {
    /// The leases to renew: not those of runs that were given up, which others are to take over.
    pub(in crate::backend) fn leases(&self) -> Vec<(Uuid, i64, LaneName)> {
        self.state()
            .runs
            .iter()
            .filter(|(_, entry)| !matches!(entry.phase, Phase::GivenUp { .. }))
            .map(|(run, entry)| (run.job, run.token, entry.lane.clone()))
            .collect()
    }

    pub(in crate::backend) fn renewed(&self, run: RunId, safe_until: Instant) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.safe_until = safe_until;
        }
    }

    /// Redis holds its lease anew; the ledger is to be asked what Redis does not know any more. (It knows no ghosts.)
    pub(in crate::backend) fn adopted(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.adopted = !matches!(entry.phase, Phase::Ghost { .. });
        }
    }

    /// The runs that were adopted and not asked for yet, with their tenants.
    pub(in crate::backend) fn take_adopted(&self) -> Vec<(RunId, Uuid)> {
        let mut state = self.state();
        let runs = state.runs.iter_mut();
        runs.filter_map(|(run, entry)| std::mem::take(&mut entry.adopted).then_some((*run, entry.lane.tenant)))
            .collect()
    }

    pub(in crate::backend) fn request_cancel(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get(&run) {
            entry.cancel.cancel();
        }
    }

    /// The lease is somebody else's: the run is stopped, its outcome will not be written.
    pub(in crate::backend) fn lost(&self, run: RunId) {
        let entry = self.state().runs.remove(&run);
        if let Some(Entry { phase: Phase::Running(run), .. }) = entry {
            run.abort.abort();
        }
    }

    /// Whether it is here, and its handler was called.
    pub(in crate::backend) fn has_begun(&self, run: RunId) -> bool {
        self.state().runs.get(&run).is_some_and(|entry| !matches!(entry.phase, Phase::Waiting))
    }

    /// Whether the run's lease is still ours, and whether that is certain without asking Redis.
    pub(in crate::backend) fn holds(&self, run: RunId) -> Option<bool> {
        self.state().runs.get(&run).map(|entry| Instant::now() < entry.safe_until)
    }
}
