//! What a run has said of its progress, and what of it the ledger knows.
//!
//! Counts are written while a run lasts, a few times a second; what it said last goes with its outcome, in one statement
//! with the outcomes of others. So a run that is over at once may count and costs nothing more.
//! Held beside the run and not in it: what a stopped run had reached is kept too.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::ledger::progress::Progress;

/// How often a run's progress is written at most, and when for the first time.
const EVERY: Duration = Duration::from_millis(250);

/// One run's word; cheap to clone, all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Reported(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    latest: Option<Progress>,
    written: Option<Progress>,
    due: Instant,
}

impl Default for Reported {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { latest: None, written: None, due: Instant::now() + EVERY })))
    }
}

impl Reported {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock can panic")
    }

    /// Takes note; `true` where it is time to write it.
    pub(crate) fn note(&self, progress: Progress) -> bool {
        let mut state = self.state();
        state.latest = Some(progress);
        let now = Instant::now();
        let due = now >= state.due && state.written != state.latest;
        if due {
            state.due = now + EVERY;
        }
        due
    }

    /// The ledger has it.
    pub(crate) fn written(&self, progress: Progress) {
        self.state().written = Some(progress);
    }

    /// What was said last, if the ledger does not have it.
    pub(crate) fn unwritten(&self) -> Option<Progress> {
        let state = self.state();
        state.latest.filter(|latest| state.written != Some(*latest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(succeeded: i32) -> Progress {
        Progress { total: 9, succeeded, ..Progress::default() }
    }

    #[test]
    fn a_short_run_writes_nothing_itself_and_leaves_its_last_word() {
        let reported = Reported::default();
        assert_eq!(reported.unwritten(), None);
        assert!(!reported.note(done(1)) && !reported.note(done(2)));
        assert_eq!(reported.unwritten(), Some(done(2)));
    }

    #[test]
    fn a_long_run_writes_now_and_then_and_what_is_written_is_not_left() {
        let reported = Reported::default();
        reported.state().due = Instant::now();
        assert!(reported.note(done(1)) && !reported.note(done(2)));
        reported.written(done(2));
        assert_eq!(reported.unwritten(), None);
    }
}
