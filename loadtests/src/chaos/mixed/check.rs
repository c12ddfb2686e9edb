//! What must hold of the mixed load, by what the observer saw.
//!
//! Beginnings that something forbade (a job before it, one of its unique key that lived when it was accepted, a time, a hold)
//! count as `over_limit`, as those that a limit forbade; effects that should not be (of a job that was merged into another,
//! or cancelled before it began) as `doubled`. That each job has its end, and one effect at most, is counted for all jobs
//! alike. All of it is seen by one clock, and an outcome follows its effect: so nothing is tolerated, but that the run of a
//! cancelled job may have been on its way.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::hands::{Done, Said};
use super::{Deed, Note};
use crate::chaos::observer::{Book, Run};
use crate::chaos::rules::Lag;
use crate::console;

/// Faults told one by one.
const TOLD: usize = 10;
/// Redis tells whole milliseconds.
const WHOLE: Duration = Duration::from_millis(2);

/// What was made, done and seen.
pub struct Mixed<'a> {
    /// By number.
    pub ids: &'a [Uuid],
    /// By number.
    pub notes: &'a [Note],
    /// By number.
    pub deeds: &'a HashMap<usize, Done>,
    /// What the observer saw.
    pub book: &'a Book,
}

impl Mixed<'_> {
    /// Jobs that began before they might.
    pub fn too_early(&self) -> u64 {
        let mut first: HashMap<Uuid, &Run> = HashMap::new();
        for run in &self.book.runs {
            first.entry(run.job).or_insert(run);
        }
        let early = |(n, note): (usize, &Note)| {
            let run = first.get(self.ids.get(n)?)?;
            let mut all = note.follows.iter().chain(&note.same_key);
            let before = all.find(|before| !self.is_over(**before, run.from));
            let why = if let Some(before) = before {
                format!("number {before} was not over")
            } else if let Some(holder) = note.same_key.iter().find(|holder| self.lived(**holder, note)) {
                format!("number {holder} had its unique key when it was accepted")
            } else if note.not_before.is_some_and(|at| run.from + WHOLE < at) {
                "its time had not come".to_owned()
            } else if self.released(n, note).is_some_and(|at| run.from < at) {
                "it was held".to_owned()
            } else {
                return None;
            };
            Some(format!("    number {n} ({}) began at {:?} although {why}", run.job, run.from))
        };
        let early: Vec<String> = self.notes.iter().enumerate().filter_map(early).collect();
        early.iter().take(TOLD).for_each(|told| console::note(told));
        early.len() as u64
    }

    /// Whether number `n` had had its effect, and the run in which it had it was over: or one after that was, which the
    /// engine began because the first had lost its lease (its process hangs, or cannot be heard). One without any effect
    /// is a fault of its own.
    fn is_over(&self, n: usize, at: Duration) -> bool {
        let seen = self.ids.get(n).and_then(|id| self.book.jobs.get(id));
        let Some((run, done)) = seen.and_then(|seen| seen.done) else { return true };
        let Some(effective) = self.book.runs.get(run) else { return true };
        let mut since = self.book.runs.iter().skip(run).filter(|run| run.job == effective.job);
        done <= at && since.any(|run| run.until.is_some_and(|until| until <= at))
    }

    /// Whether number `n` had yet to have its effect when the other was accepted.
    fn lived(&self, n: usize, other: &Note) -> bool {
        let seen = self.ids.get(n).and_then(|id| self.book.jobs.get(id));
        let done = seen.and_then(|seen| seen.done);
        done.zip(other.accepted).is_some_and(|((_, done), accepted)| done > accepted)
    }

    /// When a held job was first let go.
    fn released(&self, n: usize, note: &Note) -> Option<Duration> {
        let (.., deed) = note.deed.as_ref()?;
        (*deed == Deed::Release).then(|| self.deeds.get(&n).map_or(Duration::MAX, |done| done.tried))
    }

    /// Effects of number `n` although it was cancelled before it began: none of its runs had by then.
    pub fn after_cancel(&self, n: usize, lag: &Lag) -> u64 {
        let stopped = self.deeds.get(&n).filter(|done| done.said == Said::Stopped);
        let Some(at) = stopped.map(|done| done.answered) else { return 0 };
        let Some(id) = self.ids.get(n) else { return 0 };
        let effects = self.book.jobs.get(id).map_or(0, |seen| seen.effects);
        let first = self.book.runs.iter().filter(|run| run.job == *id).map(|run| run.from).min();
        let Some(from) = first.filter(|from| effects > 0 && *from > at + lag.at(*from)) else { return 0 };
        console::note(&format!("    number {n} ({id}) began at {from:?} although it was cancelled at {at:?}"));
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::observer::Begin;

    const FIRST: Uuid = Uuid::from_u128(1);
    const SECOND: Uuid = Uuid::from_u128(2);

    fn begin(book: &mut Book, job: Uuid) -> usize {
        book.begin(Begin { job, tenant: Uuid::nil(), kind: String::new(), lane: String::new(), worker: String::new() })
            .run
    }

    fn does(book: &mut Book, job: Uuid) {
        let run = begin(book, job);
        book.effect(run);
        book.end(run);
    }

    /// Of two jobs, the second having this note.
    fn too_early(book: &Book, note: Note, deeds: &[(usize, Done)]) -> u64 {
        let (notes, deeds) = ([Note::default(), note], deeds.iter().copied().collect());
        Mixed { ids: &[FIRST, SECOND], notes: &notes, deeds: &deeds, book }.too_early()
    }

    fn follows() -> Note {
        Note { follows: vec![0], ..Note::default() }
    }

    #[test]
    fn a_follower_begins_when_the_one_before_is_over() {
        let mut book = Book::new();
        does(&mut book, FIRST);
        does(&mut book, SECOND);
        // Once more, as after a crash: of no effect, and no fault.
        begin(&mut book, FIRST);
        assert_eq!(too_early(&book, follows(), &[]), 0);
    }

    #[test]
    fn a_follower_that_overlaps_is_too_early_also_after_the_effect() {
        let mut book = Book::new();
        let run = begin(&mut book, FIRST);
        book.effect(run);
        does(&mut book, SECOND);
        book.end(run);
        assert_eq!(too_early(&book, follows(), &[]), 1);
    }

    #[test]
    fn of_one_unique_key_only_one_is_admitted_while_it_lives() {
        const THIRD: Uuid = Uuid::from_u128(3);
        let keyed = |book: &Book, accepted| {
            let note =
                |before: &[usize]| Note { same_key: before.to_vec(), accepted: Some(accepted), ..Note::default() };
            let (notes, deeds) = ([note(&[]), note(&[0]), note(&[0, 1])], HashMap::new());
            Mixed { ids: &[FIRST, SECOND, THIRD], notes: &notes, deeds: &deeds, book }.too_early()
        };
        let mut book = Book::new();
        does(&mut book, FIRST);
        assert_eq!(keyed(&book, Duration::ZERO), 0, "the others were merged");
        does(&mut book, THIRD);
        assert_eq!(keyed(&book, book.now()), 0, "the key was free again");
        assert_eq!(keyed(&book, Duration::ZERO), 1, "it was not free when the third was accepted");
        let mut book = Book::new();
        let runs = [FIRST, SECOND, THIRD].map(|job| begin(&mut book, job));
        runs.iter().for_each(|run| book.effect(*run));
        assert_eq!(keyed(&book, book.now()), 2, "all three ran together");
    }

    #[test]
    fn a_run_that_hangs_holds_up_nobody_once_another_has_ended_in_its_place() {
        let mut book = Book::new();
        let hangs = begin(&mut book, FIRST);
        book.effect(hangs);
        let again = begin(&mut book, FIRST);
        book.end(again);
        does(&mut book, SECOND);
        assert_eq!(too_early(&book, follows(), &[]), 0);
    }

    #[test]
    fn a_follower_before_the_effect_is_too_early_whatever_ended() {
        let mut book = Book::new();
        let late = begin(&mut book, FIRST);
        let vain = begin(&mut book, FIRST);
        book.end(vain);
        does(&mut book, SECOND);
        book.effect(late);
        assert_eq!(too_early(&book, follows(), &[]), 1);
    }

    #[test]
    fn a_start_before_its_time_or_its_release_is_too_early() {
        let mut book = Book::new();
        does(&mut book, SECOND);
        let soon = book.now() + Duration::from_secs(1);
        assert_eq!(too_early(&book, Note { not_before: Some(soon), ..Note::default() }, &[]), 1);
        let held = Note { deed: Some((Uuid::nil(), SECOND, String::new(), Deed::Release)), ..Note::default() };
        let released = |tried| Done { tried, answered: tried, said: Said::Done };
        assert_eq!(too_early(&book, held.clone(), &[(1, released(soon))]), 1);
        assert_eq!(too_early(&book, held, &[(1, released(Duration::ZERO))]), 0);
    }

    #[test]
    fn an_effect_counts_after_a_cancel_only_where_nothing_had_begun() {
        let mut book = Book::new();
        does(&mut book, FIRST);
        let after = |at| {
            let deeds = HashMap::from([(0, Done { tried: at, answered: at, said: Said::Stopped })]);
            let mixed = Mixed { ids: &[FIRST], notes: &[], deeds: &deeds, book: &book };
            mixed.after_cancel(0, &Lag::of(Duration::ZERO))
        };
        assert_eq!((after(Duration::ZERO), after(book.now())), (1, 0));
    }
}
