//! The jobs this process has: from the claim until their outcome is written.
//!
//! One entry a *run* (the job and its lease's token), because a job that was lost may be claimed here again while its
//! old run still winds down: what the old one says must not touch the new one.
//! Here is the table and its lock; what is done with a run is beside it: its lease is kept ([`leases`]), it is stopped, or
//! given up ([`stopping`]), and others look at it ([`seen`]).
//! How to break it: free a slot twice.

mod leases;
mod seen;
mod stopping;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use self::seen::RunningJob;
use self::stopping::Run;
use super::company::{Alone, Place};
use crate::Envelope;
use crate::lanes::LaneName;
use crate::ledger::progress::Progress;
use crate::reported::Reported;

/// A shared view of the jobs of one queue in this process.
#[derive(Clone)]
pub struct Inflight {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    slots: Arc<Semaphore>,
    closed: CancellationToken,
}

#[derive(Default)]
struct State {
    runs: HashMap<RunId, Entry>,
    /// Whatever starts from now on is stopped at once.
    interrupting: bool,
}

/// One run: a job under one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RunId {
    pub job: Uuid,
    pub token: i64,
}

impl RunId {
    pub(super) const fn of(envelope: &Envelope) -> Self {
        Self { job: envelope.id, token: envelope.token }
    }
}

/// See [`Inflight::known`].
#[derive(Debug, Default)]
pub(super) struct Known {
    /// It was stopped because its worker ends.
    pub interrupted: bool,
    /// Somebody wants it to stop.
    pub cancelled: bool,
    /// What it said last of its progress, if the ledger does not have it.
    pub progress: Option<Progress>,
}

struct Entry {
    lane: LaneName,
    kind: String,
    claimed: DateTime<Utc>,
    /// Our lease certainly holds until then.
    safe_until: Instant,
    cancel: CancellationToken,
    reported: Reported,
    slot: Option<OwnedSemaphorePermit>,
    /// Held until the outcome is written, by a run that had to be alone, though it has let others in since: a process that
    /// falls before that takes the outcome along.
    place: Option<Place>,
    marked: bool,
    /// Redis had forgotten its lease, and with it who wants it cancelled.
    adopted: bool,
    phase: Phase,
}

enum Phase {
    /// Claimed, not begun.
    Waiting,
    Running(Run),
    /// Stopped from outside, and given up by whoever waited for it.
    GivenUp {
        interrupted: bool,
    },
    /// The run is over, its outcome is on its way to the ledger.
    Ended {
        since: Instant,
    },
    /// Stands for a run that was given up and goes on.
    Ghost {
        since: Instant,
    },
}

impl Inflight {
    pub(super) fn new(slots: usize) -> Self {
        let inner =
            Inner { state: Mutex::default(), slots: Arc::new(Semaphore::new(slots)), closed: CancellationToken::new() };
        Self { inner: Arc::new(inner) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().expect("no holder of this lock can panic")
    }

    pub(super) fn slots(&self) -> &Arc<Semaphore> {
        &self.inner.slots
    }

    pub(super) fn close(&self) {
        self.inner.closed.cancel();
    }

    /// Resolves when the backend has closed: every outcome is written.
    pub(super) async fn closed(&self) {
        self.inner.closed.cancelled().await;
    }

    /// Takes in what one claim brought, each with its slot if it is to run.
    pub(super) fn begin<'a>(
        &self,
        jobs: impl Iterator<Item = (&'a Envelope, Option<OwnedSemaphorePermit>)>,
        safe_until: Instant,
        now: DateTime<Utc>,
    ) {
        let mut state = self.state();
        for (job, slot) in jobs {
            // What is not to run has ended here, and is only to be written.
            let phase = if slot.is_some() { Phase::Waiting } else { Phase::Ended { since: Instant::now() } };
            let cancel = CancellationToken::new();
            if job.header.cancel_requested {
                cancel.cancel();
            }
            let entry = Entry {
                lane: LaneName { tenant: job.header.tenant, lane: job.header.lane.clone() },
                kind: job.header.kind.clone(),
                claimed: now,
                safe_until,
                cancel,
                reported: Reported::default(),
                slot,
                place: None,
                marked: false,
                adopted: false,
                phase,
            };
            state.runs.insert(RunId::of(job), entry);
        }
    }

    /// What a run that begins now is told by and tells with; nothing where its lease is not certainly ours any more.
    pub(super) fn handles(&self, run: RunId) -> Option<(CancellationToken, Reported)> {
        let state = self.state();
        let entry = state.runs.get(&run).filter(|entry| Instant::now() < entry.safe_until)?;
        Some((entry.cancel.clone(), entry.reported.clone()))
    }

    /// Its run is over: the slot is free, the lease is still ours to renew.
    pub(super) fn ended(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.slot = None;
            if !matches!(entry.phase, Phase::GivenUp { .. }) {
                entry.phase = Phase::Ended { since: Instant::now() };
            }
        }
    }

    pub(super) fn forget(&self, runs: impl Iterator<Item = RunId>) {
        let mut state = self.state();
        for run in runs {
            state.runs.remove(&run);
        }
    }

    /// What is known of a run that is over, besides its result.
    pub(super) fn known(&self, run: RunId) -> Known {
        let state = self.state();
        let Some(entry) = state.runs.get(&run) else { return Known::default() };
        let interrupted = match &entry.phase {
            Phase::Running(run) => run.interrupted,
            Phase::GivenUp { interrupted } => *interrupted,
            Phase::Waiting | Phase::Ended { .. } | Phase::Ghost { .. } => false,
        };
        Known { interrupted, cancelled: entry.cancel.is_cancelled(), progress: entry.reported.unwritten() }
    }

    /// Keeps everybody else waiting until the run's outcome is written. Given back where nobody would wait for that.
    pub(super) fn keep_alone(&self, run: RunId, alone: Alone) -> Option<Alone> {
        match self.state().runs.get_mut(&run) {
            Some(entry) => {
                entry.marked |= alone.is_noted;
                entry.place = Some(Place::Alone(alone));
                None
            }
            None => Some(alone),
        }
    }
}

impl std::fmt::Debug for Inflight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflight").field("runs", &self.state().runs.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::envelope::tests::envelope;

    const LEASE: Duration = Duration::from_secs(9);

    fn claimed(safe_until: Instant) -> (Inflight, RunId) {
        let (inflight, job) = (Inflight::new(1), envelope(b""));
        let slot = inflight.slots().clone().try_acquire_owned().unwrap();
        inflight.begin(std::iter::once((&job, Some(slot))), safe_until, DateTime::UNIX_EPOCH);
        (inflight, RunId::of(&job))
    }

    #[test]
    fn nothing_begins_under_a_lease_that_may_be_another_s_by_now() {
        let (inflight, run) = claimed(Instant::now() + LEASE);
        assert!(inflight.handles(run).is_some());
        // The process stood still for longer than a lease.
        inflight.renewed(run, Instant::now());
        assert!(inflight.handles(run).is_none());
    }

    #[test]
    fn a_run_whose_lease_was_forgotten_is_asked_about_once_and_a_ghost_never() {
        let (inflight, run) = claimed(Instant::now() + LEASE);
        inflight.adopted(run);
        assert_eq!(inflight.take_adopted().len(), 1);
        assert_eq!(inflight.take_adopted().len(), 0);
        if let Some(entry) = inflight.state().runs.get_mut(&run) {
            entry.phase = Phase::Ghost { since: Instant::now() };
        }
        inflight.adopted(run);
        assert_eq!(inflight.take_adopted().len(), 0);
    }
}
