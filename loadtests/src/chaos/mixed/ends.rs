//! How a job of the mixed load may have ended, by what its cancel was answered and when, and by what the observer saw.
//!
//! A cancel and a run may meet, and then either wins; but not every end is possible after every answer:
//!
//! - "it will not run" is said once the ledger has the job as cancelled, and it stays that, whatever is broken then;
//! - "it is over" is said of one that ended: if it succeeded, its effect came before that;
//! - a job whose cancel was answered before its time had come cannot have begun, and so has no effect;
//! - "its worker will hear of it" is heard with the next renewal of leases. Only where nobody's process and nobody's way
//!   was troubled is that a matter of time, and is the run that waits to be stopped over by then, without its effect.

use std::time::Duration;

use super::check::Mixed;
use super::hands::{Done, Said};
use super::{End, Note};
use crate::chaos::observer::Seen;

/// How often a worker looks whether a renewal is due.
const LOOK: Duration = Duration::from_millis(500);

/// Within this a worker with such leases hears what is wished of a job that it runs.
pub fn hearing(lease: Duration) -> Duration {
    lease / 3 + LOOK
}

/// What the ends are held against.
pub struct Ends<'a> {
    mixed: &'a Mixed<'a>,
    /// Within this a running job's wish is heard; none where somebody was troubled.
    heard: Option<Duration>,
}

impl<'a> Ends<'a> {
    /// Of this load; `heard` as the field says.
    pub const fn new(mixed: &'a Mixed<'a>, heard: Option<Duration>) -> Self {
        Self { mixed, heard }
    }

    /// Whether number `n` may have ended in `state`.
    pub fn may_be(&self, n: usize, state: &str) -> bool {
        let seen = self.mixed.ids.get(n).and_then(|id| self.mixed.book.jobs.get(id)).copied().unwrap_or_default();
        let plain = Note::default();
        let note = self.mixed.notes.get(n).unwrap_or(&plain);
        match (state, note.end) {
            ("succeeded", End::Done) => seen.effects > 0,
            ("cancelled", End::Cancelled) => seen.effects == 0,
            ("succeeded", End::Either | End::Stopped) => seen.effects > 0 && self.may_have_run(n, note, &seen),
            ("cancelled", End::Either | End::Stopped) => self.may_be_cancelled(n, note, &seen),
            _ => false,
        }
    }

    fn may_have_run(&self, n: usize, note: &Note, seen: &Seen) -> bool {
        let Some(done) = self.mixed.deeds.get(&n) else { return false };
        let before = seen.done.is_some_and(|(_, at)| at <= done.answered);
        let in_time = match done.said {
            Said::Over => before,
            Said::Wished => true,
            Said::Stopped | Said::Done => false,
        };
        in_time && !too_soon(note, done) && self.is_heard(n, note, done)
    }

    fn may_be_cancelled(&self, n: usize, note: &Note, seen: &Seen) -> bool {
        let Some(done) = self.mixed.deeds.get(&n) else { return false };
        // A run whose process was killed after its effect is one that never told.
        let without = seen.effects == 0 || self.heard.is_none() && !too_soon(note, done);
        without && self.is_heard(n, note, done)
    }

    /// Whether what waits to be stopped was over in time.
    fn is_heard(&self, n: usize, note: &Note, done: &Done) -> bool {
        let (Some(heard), Some(id)) = (self.heard, self.mixed.ids.get(n)) else { return true };
        let mut runs = self.mixed.book.runs.iter().filter(|run| run.job == *id);
        note.end != End::Stopped || runs.all(|run| run.until.is_some_and(|until| until <= done.answered + heard))
    }
}

/// Whether the cancel was answered before the job could begin.
fn too_soon(note: &Note, done: &Done) -> bool {
    note.not_before.is_some_and(|at| done.answered < at)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::*;
    use crate::chaos::observer::{Begin, Book};

    const JOB: Uuid = Uuid::from_u128(1);
    const MS: Duration = Duration::from_millis(1);
    const NEVER: Duration = Duration::from_secs(3_600);

    /// A run of the job, with its effect or without, that is over by now.
    fn ran(effect: bool) -> Book {
        let mut book = Book::new();
        let begin =
            Begin { job: JOB, tenant: Uuid::nil(), kind: String::new(), lane: String::new(), worker: String::new() };
        let run = book.begin(begin).run;
        if effect {
            book.effect(run);
        }
        book.end(run);
        book
    }

    fn said(said: Said, answered: Duration) -> Done {
        Done { tried: Duration::ZERO, answered, said }
    }

    fn may_be(state: &str, note: &Note, done: Done, book: &Book, heard: Option<Duration>) -> bool {
        let (notes, deeds) = ([note.clone()], HashMap::from([(0, done)]));
        let mixed = Mixed { ids: &[JOB], notes: &notes, deeds: &deeds, book };
        Ends::new(&mixed, heard).may_be(0, state)
    }

    fn of(end: End) -> Note {
        Note { end, ..Note::default() }
    }

    #[test]
    fn what_will_not_run_was_cancelled_and_nothing_else_whatever_was_broken() {
        let (note, book) = (of(End::Either), ran(true));
        assert!(!may_be("succeeded", &note, said(Said::Stopped, Duration::ZERO), &book, None));
        assert!(may_be("cancelled", &note, said(Said::Stopped, Duration::ZERO), &Book::new(), None));
    }

    #[test]
    fn what_was_over_had_its_effect_before_that_was_said() {
        let (note, book) = (of(End::Either), ran(true));
        assert!(may_be("succeeded", &note, said(Said::Over, book.now()), &book, None));
        assert!(!may_be("succeeded", &note, said(Said::Over, Duration::ZERO), &book, None));
        assert!(!may_be("succeeded", &note, said(Said::Over, book.now()), &ran(false), None));
    }

    #[test]
    fn what_was_cancelled_before_its_time_never_ran() {
        let (note, book) = (Note { not_before: Some(NEVER), ..of(End::Either) }, ran(true));
        let wished = said(Said::Wished, MS);
        assert!(!may_be("succeeded", &note, wished, &book, None));
        assert!(!may_be("cancelled", &note, wished, &book, None), "with its effect");
        assert!(may_be("cancelled", &note, said(Said::Stopped, MS), &Book::new(), None));
    }

    #[test]
    fn a_wish_that_never_reached_the_worker_is_a_fault_where_nobody_was_troubled() {
        let (note, book) = (of(End::Stopped), ran(true));
        // It ran on for longer after the answer than a wish takes.
        let unheard = said(Said::Wished, Duration::ZERO);
        assert!(!may_be("succeeded", &note, unheard, &book, Some(Duration::ZERO)));
        assert!(!may_be("cancelled", &note, unheard, &ran(false), Some(Duration::ZERO)), "heard, but too late");
        assert!(may_be("succeeded", &note, unheard, &book, None), "somebody was troubled");
        assert!(may_be("succeeded", &note, unheard, &book, Some(NEVER)), "it was at its end");
        assert!(may_be("cancelled", &note, unheard, &ran(false), Some(NEVER)));
        assert!(!may_be("cancelled", &note, unheard, &book, Some(NEVER)), "stopped, and with its effect");
        assert!(may_be("cancelled", &note, unheard, &book, None), "killed after its effect");
    }

    #[test]
    fn a_run_that_never_ended_did_not_hear() {
        let mut book = Book::new();
        let begin =
            Begin { job: JOB, tenant: Uuid::nil(), kind: String::new(), lane: String::new(), worker: String::new() };
        book.begin(begin);
        assert!(!may_be("cancelled", &of(End::Stopped), said(Said::Wished, MS), &book, Some(NEVER)));
    }

    #[test]
    fn a_job_that_nobody_cancelled_has_its_effect_and_a_held_one_none() {
        let done = said(Said::Stopped, MS);
        assert!(may_be("succeeded", &of(End::Done), done, &ran(true), None));
        assert!(!may_be("succeeded", &of(End::Done), done, &ran(false), None));
        assert!(!may_be("cancelled", &of(End::Done), done, &ran(false), None));
        assert!(!may_be("cancelled", &of(End::Cancelled), done, &ran(true), None));
    }
}
