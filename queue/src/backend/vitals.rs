//! Whether the backend's loops are alive, for the watchdog of a process.
//!
//! A worker that claims nothing looks like one that has nothing to do. The difference is known only here: a loop that
//! waits for a free slot is well however long it waits; one that has neither claimed nor waited for a slot is stuck, and
//! one that panicked is gone. Nothing restarts a loop: the jobs of a process in an unknown state are safest in
//! another one, which their leases see to.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::inflight::Inflight;

/// The state of a backend's loops; clones see the same.
#[derive(Debug, Clone)]
pub struct Vitals {
    state: Arc<Mutex<State>>,
    inflight: Inflight,
}

#[derive(Debug)]
struct State {
    /// Beats of the handlers' runtime.
    beats: u64,
    /// Whether Redis ever answered a claim.
    claimed: bool,
    /// Since when claims find the queue closed.
    closed: Option<Instant>,
    turn: Turn,
    /// The last claim that Redis answered, or the last instant at which there was none to make.
    well_at: Instant,
    broken: Option<&'static str>,
}

/// What the claim loop is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It asks for jobs, hands them out, or waits to ask again.
    Claiming,
    /// All slots are in use.
    Full,
    /// The worker drains: no more claims.
    Over,
}

impl Vitals {
    pub(super) fn new(inflight: Inflight) -> Self {
        let state = State {
            beats: 0,
            claimed: false,
            closed: None,
            turn: Turn::Claiming,
            well_at: Instant::now(),
            broken: None,
        };
        Self { state: Arc::new(Mutex::new(state)), inflight }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock can panic")
    }

    pub(super) fn turn(&self, turn: Turn) {
        let mut state = self.state();
        if state.turn != Turn::Claiming {
            state.well_at = Instant::now();
        }
        state.turn = turn;
    }

    /// Redis answered a claim: with jobs or without, or that the queue is `closed`.
    pub(super) fn claimed(&self, closed: bool) {
        let mut state = self.state();
        let now = Instant::now();
        state.well_at = now;
        state.claimed = true;
        state.closed = closed.then(|| state.closed.unwrap_or(now));
    }

    pub(super) fn beat(&self) {
        self.state().beats += 1;
    }

    /// Grows as long as the runtime that handlers run in has a thread that none of them holds.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.state().beats
    }

    /// Whether Redis has answered a claim since the start.
    #[must_use]
    pub fn has_claimed(&self) -> bool {
        self.state().claimed
    }

    /// For how long the oldest outcome has not been written; zero where all are.
    #[must_use]
    pub fn without_outcomes(&self) -> Duration {
        self.inflight.unwritten_for()
    }

    /// For how long a run that was given up has gone on, on a thread and in a limited place that nobody gets back while this
    /// process lives; zero where there is none.
    #[must_use]
    pub fn haunted(&self) -> Duration {
        self.inflight.haunted_for()
    }

    /// How long claims have not worked although there were slots for them; zero while all slots are in use, and once
    /// the worker drains.
    #[must_use]
    pub fn without_claims(&self) -> Duration {
        let state = self.state();
        if state.turn == Turn::Claiming { state.well_at.elapsed() } else { Duration::ZERO }
    }

    /// For how long nothing could start because nobody has told Redis the queue's limits and pauses; zero where the queue is
    /// open.
    #[must_use]
    pub fn closed_for(&self) -> Duration {
        self.state().closed.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// The loop that panicked, if one did: this backend is lost, and with it the sense of this process.
    #[must_use]
    pub fn broken(&self) -> Option<&'static str> {
        self.state().broken
    }

    /// Runs a loop, and remembers its name should it panic.
    pub(super) fn watch(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.watch_on(&Handle::current(), name, work)
    }

    /// The same in another runtime.
    pub(super) fn watch_on(
        &self,
        runtime: &Handle,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let vitals = self.clone();
        runtime.spawn(async move {
            if tokio::spawn(work).await.is_err_and(|ended| ended.is_panic()) {
                tracing::error!(name, "a loop of the queue's backend panicked");
                vitals.state().broken = Some(name);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_worker_is_well_and_an_idle_loop_is_not() {
        let vitals = Vitals::new(Inflight::new(1));
        vitals.state().well_at -= Duration::from_secs(90);
        assert!(vitals.without_claims() >= Duration::from_secs(90));
        vitals.turn(Turn::Full);
        assert_eq!(vitals.without_claims(), Duration::ZERO);
        vitals.state().well_at -= Duration::from_secs(90);
        vitals.turn(Turn::Claiming);
        assert!(vitals.without_claims() < Duration::from_secs(1), "the wait for a slot does not count");
        vitals.state().well_at -= Duration::from_secs(90);
        vitals.claimed(false);
        assert!(vitals.without_claims() < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_closed_queue_is_told_until_it_is_open() {
        let vitals = Vitals::new(Inflight::new(1));
        vitals.claimed(true);
        vitals.state().closed = Instant::now().checked_sub(Duration::from_secs(90));
        vitals.claimed(true);
        assert!(vitals.closed_for() >= Duration::from_secs(90) && vitals.without_claims() < Duration::from_secs(1));
        vitals.claimed(false);
        assert_eq!(vitals.closed_for(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_remembered_and_one_that_ends_is_not() {
        let vitals = Vitals::new(Inflight::new(1));
        vitals.watch("calm", async {}).await.unwrap();
        assert_eq!(vitals.broken(), None);
        vitals.watch("wild", async { panic!("as told") }).await.unwrap();
        assert_eq!(vitals.broken(), Some("wild"));
    }
}
