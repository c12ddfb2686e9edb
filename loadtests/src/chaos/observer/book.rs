//! What the observer saw, in the order in which it saw it, by its own clock.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::wire::{Begin, Begun, Then};

/// After this long an effect that was tried has happened or never will: callers give up long before.
pub const SETTLED: Duration = Duration::from_secs(4);

/// One run of one job.
#[derive(Debug, Clone)]
pub struct Run {
    /// The job.
    pub job: Uuid,
    /// Whose.
    pub tenant: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// The process.
    pub worker: String,
    /// When it began.
    pub from: Duration,
    /// When it ended, or its process did.
    pub until: Option<Duration>,
}

/// What is known of one job.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Runs that began.
    pub executions: u64,
    /// Effects: each call that asked for one, whether or not there had been one before.
    pub effects: u64,
    /// The run of the first effect, and when that was.
    pub done: Option<(usize, Duration)>,
    tried: Option<Duration>,
}

/// Everything that was seen.
#[derive(Debug)]
pub struct Book {
    start: Instant,
    /// By job.
    pub jobs: HashMap<Uuid, Seen>,
    /// In the order of their beginnings.
    pub runs: Vec<Run>,
    /// When each job's first effect came, in order.
    pub done: Vec<Duration>,
    gone: HashSet<String>,
}

impl Book {
    /// An empty book, whose clock starts now.
    pub fn new() -> Self {
        Self { start: Instant::now(), jobs: HashMap::new(), runs: Vec::new(), done: Vec::new(), gone: HashSet::new() }
    }

    /// Its clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// A run begins; its intent is noted in the same step in which the earlier ones are looked up.
    pub fn begin(&mut self, begin: Begin) -> Begun {
        let now = self.now();
        let seen = self.jobs.entry(begin.job).or_default();
        seen.executions += 1;
        let then = match seen.tried.map(|at| now - at) {
            _ if seen.effects > 0 => Then::Done,
            Some(age) if age < SETTLED => {
                Then::Wait(u64::try_from((SETTLED - age).as_millis()).unwrap_or(u64::MAX).max(1))
            }
            _ => {
                seen.tried = Some(now);
                Then::Do
            }
        };
        let Begin { job, tenant, kind, lane, worker } = begin;
        // Its last words may be read after it is gone.
        let until = self.gone.contains(&worker).then_some(now);
        self.runs.push(Run { job, tenant, kind, lane, worker, from: now, until });
        Begun { run: self.runs.len() - 1, then }
    }

    /// A run's effect.
    pub fn effect(&mut self, run: usize) {
        let now = self.now();
        let Some(Run { job, .. }) = self.runs.get(run) else { return };
        let seen = self.jobs.entry(*job).or_default();
        seen.effects += 1;
        if seen.effects == 1 {
            seen.done = Some((run, now));
            self.done.push(now);
        }
    }

    /// A run is over.
    pub fn end(&mut self, run: usize) {
        let now = self.now();
        if let Some(run) = self.runs.get_mut(run) {
            run.until.get_or_insert(now);
        }
    }

    /// A process is gone, and what it ran with it.
    pub fn gone(&mut self, worker: &str) {
        let now = self.now();
        for run in self.runs.iter_mut().filter(|run| run.until.is_none() && run.worker == worker) {
            run.until = Some(now);
        }
        self.gone.insert(worker.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(book: &mut Book, job: Uuid) -> Begun {
        let worker = "w".to_owned();
        book.begin(Begin { job, tenant: Uuid::nil(), kind: String::new(), lane: String::new(), worker })
    }

    #[test]
    fn a_second_run_waits_while_the_first_may_succeed_and_does_nothing_after_it_did() {
        let (mut book, job) = (Book::new(), Uuid::from_u128(1));
        let first = begin(&mut book, job);
        assert_eq!(first.then, Then::Do);
        assert!(matches!(begin(&mut book, job).then, Then::Wait(1..)));
        book.effect(first.run);
        assert_eq!(begin(&mut book, job).then, Then::Done);
        assert_eq!((book.jobs[&job].executions, book.jobs[&job].effects), (3, 1));
    }

    #[test]
    fn an_old_intent_without_an_effect_is_tried_again() {
        let (mut book, job) = (Book::new(), Uuid::from_u128(1));
        begin(&mut book, job);
        book.start -= SETTLED;
        assert_eq!(begin(&mut book, job).then, Then::Do);
    }

    #[test]
    fn an_effect_asked_for_twice_counts_twice() {
        let (mut book, job) = (Book::new(), Uuid::from_u128(1));
        let run = begin(&mut book, job).run;
        book.effect(run);
        book.effect(run);
        assert_eq!((book.jobs[&job].effects, book.done.len()), (2, 1));
    }

    #[test]
    fn a_dead_process_runs_nothing() {
        let (mut book, job) = (Book::new(), Uuid::from_u128(1));
        begin(&mut book, job);
        book.gone("another");
        assert!(book.runs[0].until.is_none());
        book.gone("w");
        assert!(book.runs[0].until.is_some());
        // What it sent before is read after.
        begin(&mut book, job);
        assert!(book.runs[1].until.is_some());
    }
}
