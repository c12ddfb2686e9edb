//! Runs that are to stop, and those that do not.
//!
//! A run that was given up goes on all the same, on a thread that nobody gets back: what limits running jobs has to go on
//! counting it. So a *ghost* keeps a lease in its place until it ends or its process does, while its job is free to be
//! run elsewhere. (The lease is made as any that Redis does not know: by renewing it.)
//! How to break it: tell who waits for a run before its ghost is known.

use std::time::{Duration, Instant};

use futures_util::future::AbortHandle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::seen::shown;
use super::{Entry, Inflight, Phase, RunId, RunningJob};
use crate::backend::threads::Polling;
use crate::reported::Reported;

/// How long a run may take to stop after it was interrupted, before its job is given back without it.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// A run that is given up, and who is to be told.
pub(in crate::backend) struct GivenUp {
    pub job: RunningJob,
    /// Nobody waits where the service of this run is gone: then its lease says it.
    pub wait: oneshot::Sender<()>,
}

/// A run that has begun.
pub(super) struct Run {
    pub(super) abort: AbortHandle,
    pub(super) polling: Polling,
    /// A run that is still there then cannot be stopped.
    hopeless_at: Instant,
    pub(super) interrupted: bool,
    /// Dropped or used: nobody waits for this run any longer.
    wait: oneshot::Sender<()>,
}

impl RunId {
    /// The run's ghost: as much its own as the token, and no job's.
    pub(in crate::backend) const fn ghost(self) -> Self {
        Self { job: Uuid::from_u128(!self.job.as_u128() ^ self.token.unsigned_abs() as u128), token: self.token }
    }
}

impl Entry {
    /// What stands for a run that was given up and goes on.
    fn ghost_of(run: &Self, now: Instant) -> Self {
        Self {
            lane: run.lane.clone(),
            kind: run.kind.clone(),
            claimed: run.claimed,
            safe_until: run.safe_until,
            cancel: CancellationToken::new(),
            reported: Reported::default(),
            slot: None,
            place: None,
            marked: true,
            adopted: false,
            phase: Phase::Ghost { since: now },
        }
    }
}

impl Inflight {
    /// Its run has begun. The answer resolves when nobody may wait for it any longer; none: it must not go on at all.
    pub(in crate::backend) fn started(
        &self,
        run: RunId,
        abort: AbortHandle,
        polling: Polling,
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
        entry.phase = Phase::Running(Run { abort, polling, hopeless_at, interrupted, wait });
        Some(given_up)
    }

    /// Gives up the runs that could not be stopped: their leases are renewed no more, those of their ghosts are. Who waits
    /// for them is to be told once Redis knows the ghosts.
    pub(in crate::backend) fn give_up_hopeless(&self, now: Instant) -> Vec<GivenUp> {
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
            ghosts.push((id.ghost(), Entry::ghost_of(entry, now)));
        }
        state.runs.extend(ghosts);
        given_up
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
