//! The jobs this process has: from the claim until their outcome is written.
//!
//! One entry a *run* (the job and its lease's token), because a job that was lost may be claimed here again while its
//! old run still winds down: what the old one says must not touch the new one.
//! A run that was given up goes on all the same, on a thread that nobody gets back: what limits running jobs has to go on
//! counting it. So a *ghost* keeps a lease in its place until it ends or its process does, while its job is free to be
//! run elsewhere. (The lease is made as any that Redis does not know: by renewing it.)
//! How to break it: free a slot twice; renew a run that was given up; tell who waits for it before its ghost is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::company::Place;
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

    /// The run's ghost: as much its own as the token, and no job's.
    pub(super) const fn ghost(self) -> Self {
        Self { job: Uuid::from_u128(!self.job.as_u128() ^ self.token.unsigned_abs() as u128), token: self.token }
    }
}

/// A run that is given up, and who is to be told.
pub(super) struct GivenUp {
    pub job: RunningJob,
    /// Nobody waits where the service of this run is gone: then its lease says it.
    pub wait: oneshot::Sender<()>,
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
    /// Held until the outcome is written, by a run that had to be alone: a process that falls before that takes the
    /// outcome along.
    alone: Option<Place>,
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

struct Run {
    abort: AbortHandle,
    /// A run that is still there then cannot be stopped.
    hopeless_at: Instant,
    interrupted: bool,
    /// Dropped or used: nobody waits for this run any longer.
    wait: oneshot::Sender<()>,
}

/// A job as a list of workers shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningJob {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: LaneName,
    /// Since when this process has it.
    pub since: DateTime<Utc>,
}

/// How long a run may take to stop after it was interrupted, before its job is given back without it.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

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
                alone: None,
                marked: false,
                adopted: false,
                phase,
            };
            state.runs.insert(RunId::of(job), entry);
        }
    }

    /// What a run is told by and tells with; nothing of its own where the lease is lost already.
    pub(super) fn handles(&self, run: RunId) -> (CancellationToken, Reported) {
        let state = self.state();
        state.runs.get(&run).map(|entry| (entry.cancel.clone(), entry.reported.clone())).unwrap_or_default()
    }

    /// Its run has begun. The answer resolves when nobody may wait for it any longer; none: it must not go on at all.
    pub(super) fn started(
        &self,
        run: RunId,
        abort: AbortHandle,
        hopeless_at: Instant,
    ) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        let interrupted = state.interrupting;
        let entry = state.runs.get_mut(&run)?;
        if interrupted {
            abort.abort();
        }
        let (wait, given_up) = oneshot::channel();
        let hopeless_at = if interrupted { Instant::now() + STOPS_WITHIN } else { hopeless_at };
        entry.phase = Phase::Running(Run { abort, hopeless_at, interrupted, wait });
        Some(given_up)
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

    /// The leases to renew: not those of runs that were given up, which others are to take over.
    pub(super) fn leases(&self) -> Vec<(Uuid, i64, LaneName)> {
        self.state()
            .runs
            .iter()
            .filter(|(_, entry)| !matches!(entry.phase, Phase::GivenUp { .. }))
            .map(|(run, entry)| (run.job, run.token, entry.lane.clone()))
            .collect()
    }

    pub(super) fn renewed(&self, run: RunId, safe_until: Instant) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.safe_until = safe_until;
        }
    }

    /// Redis holds its lease anew; the ledger is to be asked what Redis does not know any more.
    pub(super) fn adopted(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.adopted = true;
        }
    }

    /// The runs that were adopted and not asked for yet, with their tenants.
    pub(super) fn take_adopted(&self) -> Vec<(RunId, Uuid)> {
        let mut state = self.state();
        let runs = state.runs.iter_mut();
        runs.filter_map(|(run, entry)| std::mem::take(&mut entry.adopted).then_some((*run, entry.lane.tenant)))
            .collect()
    }

    pub(super) fn request_cancel(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get(&run) {
            entry.cancel.cancel();
        }
    }

    /// The lease is somebody else's: the run is stopped, its outcome will not be written.
    pub(super) fn lost(&self, run: RunId) {
        let entry = self.state().runs.remove(&run);
        if let Some(Entry { phase: Phase::Running(run), .. }) = entry {
            run.abort.abort();
        }
    }

    /// Gives up the runs that could not be stopped: their leases are renewed no more, those of their ghosts are. Who waits
    /// for them is to be told once Redis knows the ghosts.
    pub(super) fn give_up_hopeless(&self, now: Instant) -> Vec<GivenUp> {
        let mut state = self.state();
        let (mut given_up, mut ghosts) = (Vec::new(), Vec::new());
        for (id, entry) in &mut state.runs {
            let Phase::Running(run) = &entry.phase else { continue };
            if now < run.hopeless_at {
                continue;
            }
            let next = Phase::GivenUp { interrupted: run.interrupted };
            let Phase::Running(run) = std::mem::replace(&mut entry.phase, next) else { continue };
            run.abort.abort();
            given_up.push(GivenUp { job: shown(*id, entry), wait: run.wait });
            let ghost = Entry {
                lane: entry.lane.clone(),
                kind: entry.kind.clone(),
                claimed: entry.claimed,
                safe_until: entry.safe_until,
                cancel: CancellationToken::new(),
                reported: Reported::default(),
                slot: None,
                alone: entry.alone.take(),
                marked: true,
                adopted: false,
                phase: Phase::Ghost { since: now },
            };
            ghosts.push((id.ghost(), ghost));
        }
        state.runs.extend(ghosts);
        given_up
    }

    /// Whether the run's lease is still ours, and whether that is certain without asking Redis.
    pub(super) fn holds(&self, run: RunId) -> Option<bool> {
        self.state().runs.get(&run).map(|entry| Instant::now() < entry.safe_until)
    }

    /// Keeps everybody else waiting until the run's outcome is written. Given back where nobody would wait for that.
    pub(super) fn keep_alone(&self, run: RunId, place: Place) -> Option<Place> {
        match self.state().runs.get_mut(&run) {
            Some(entry) => {
                entry.alone = Some(place);
                None
            }
            None => Some(place),
        }
    }

    /// The ledger is not to hear that it runs: its crash would count.
    pub(super) fn leave_unmarked(&self, run: RunId) {
        if let Some(entry) = self.state().runs.get_mut(&run) {
            entry.marked = true;
        }
    }

    /// Jobs that began before `before` and are not marked in the ledger yet; marks them here.
    pub(super) fn take_unmarked(&self, before: DateTime<Utc>) -> Vec<(Uuid, Uuid, DateTime<Utc>)> {
        self.state()
            .runs
            .iter_mut()
            .filter(|(_, entry)| !entry.marked && matches!(entry.phase, Phase::Running(_)) && entry.claimed < before)
            .map(|(run, entry)| {
                entry.marked = true;
                (entry.lane.tenant, run.job, entry.claimed)
            })
            .collect()
    }

    /// How long the oldest outcome has not been written.
    pub(super) fn unwritten_for(&self) -> Duration {
        self.oldest(|phase| if let Phase::Ended { since } = phase { Some(*since) } else { None })
    }

    /// How long the oldest run that was given up has gone on since.
    pub(super) fn haunted_for(&self) -> Duration {
        self.oldest(|phase| if let Phase::Ghost { since } = phase { Some(*since) } else { None })
    }

    fn oldest(&self, since: impl Fn(&Phase) -> Option<Instant>) -> Duration {
        let first = self.state().runs.values().filter_map(|entry| since(&entry.phase)).min();
        first.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Vec<RunningJob> {
        let state = self.state();
        state.runs.iter().filter(|(_, entry)| entry.slot.is_some()).map(|(run, entry)| shown(*run, entry)).collect()
    }

    /// Stops every run now; each job goes back as interrupted, which costs it nothing. A run that does not stop within
    /// a second is left behind: this is for a process that ends.
    pub fn interrupt_all(&self) -> usize {
        let mut state = self.state();
        state.interrupting = true;
        let mut stopped = 0;
        for entry in state.runs.values_mut() {
            if let Phase::Running(run) = &mut entry.phase
                && !run.interrupted
            {
                run.interrupted = true;
                run.hopeless_at = Instant::now() + STOPS_WITHIN;
                run.abort.abort();
                stopped += 1;
            }
        }
        stopped
    }
}

fn shown(run: RunId, entry: &Entry) -> RunningJob {
    RunningJob { id: run.job, kind: entry.kind.clone(), lane: entry.lane.clone(), since: entry.claimed }
}

impl std::fmt::Debug for Inflight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflight").field("runs", &self.state().runs.len()).finish()
    }
}
