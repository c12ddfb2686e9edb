//! What a newcomer with a unique key means, in the model.

use patchbay_queue::Conflict;

use super::model::{At, Key, Model};
use super::steps::Unique;

/// What becomes of it.
pub enum Admission {
    New,
    SuccessorOf(usize),
    Replaces(usize),
    PushesBack(usize),
    /// Nothing: it is there, or was, and its window is not over.
    Nothing,
}

impl Model {
    /// Who has the key now, and what the next job is to them.
    pub fn admit(&mut self, unique: Unique) -> Admission {
        let new = self.jobs.len();
        let row = self.keys.get(&unique.key).copied();
        let (holder, next) = self.key(unique.key);
        let Some(holder) = holder else {
            if row.is_some_and(|row| self.windowed(&row)) {
                return Admission::Nothing;
            }
            let until = unique.hours.map(|hours| self.hour + i64::from(hours));
            self.keys.insert(unique.key, Key { holder: new, next: None, until });
            return Admission::New;
        };
        // Whoever has it after another has it in the other's window.
        let mut row = Key { holder, next, until: row.and_then(|row| row.until) };
        let admission = match (unique.conflict, next) {
            (Conflict::Keep, _) => Admission::Nothing,
            (Conflict::Replace, _) => Admission::Replaces(holder),
            (Conflict::PushBack, _) => Admission::PushesBack(holder),
            (Conflict::KeepLast, Some(next)) => Admission::Replaces(next),
            (Conflict::KeepLast, None) => {
                row.next = Some(new);
                Admission::SuccessorOf(holder)
            }
        };
        self.keys.insert(unique.key, row);
        admission
    }

    /// It lives on with what the newcomer brought, and a run under way is not its end.
    pub fn replace(&mut self, n: usize, at: At, lapses: bool) {
        let state = self.by_time(at);
        let job = &mut self.jobs[n];
        (job.errors, job.crashes, job.lapses, job.cancel) = (0, 0, lapses, false);
        job.generation += 1;
        job.at = at;
        if job.state != "held" {
            job.state = state;
        }
    }

    /// It runs later, if that is later, and a run under way is not its end.
    pub fn push_back(&mut self, n: usize, at: At) {
        let state = self.by_time(at);
        let job = &mut self.jobs[n];
        if job.at >= at {
            return;
        }
        // One that is not due has no run that is not known to be in vain.
        job.generation += i32::from(job.state != "scheduled");
        (job.at, job.cancel) = (at, false);
        if job.state != "held" {
            job.state = state;
        }
    }
}
