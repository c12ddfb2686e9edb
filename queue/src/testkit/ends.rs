//! How jobs end in memory, and come back: the ledger's settle, crash, cancel, hold, release, redrive, discard and lapse.

use uuid::Uuid;

use super::memory::World;
use super::row::{State, TestJob};
use super::run::WORKER;
use crate::ledger::attempt::{Attempt, CRASH};
use crate::ledger::crash::POISON;
use crate::ledger::hold;
use crate::ledger::settle::End;

/// What the history of a job keeps.
const HISTORY: usize = 100;

/// A group's members by where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// All.
    pub total: u64,
    /// Ended well.
    pub succeeded: u64,
    /// Dead letters.
    pub failed: u64,
    /// Cancelled or put away.
    pub cancelled: u64,
    /// Whether it is sealed and nothing of it is pending.
    pub ended: bool,
}

impl TestJob {
    /// Whether the end of a run is still news.
    fn may_end(&self) -> bool {
        matches!(self.state, State::Waiting | State::Held)
    }

    /// One that somebody wants to stop does not run again.
    fn stop_if_asked(&mut self) {
        if self.cancel_requested {
            self.state = State::Cancelled;
        }
    }

    fn remember(&mut self, mut attempt: Attempt) {
        let alike = |last: &&Attempt| last.class == attempt.class && last.code == attempt.code;
        if let Some(last) = self.attempts.last().filter(|_| !attempt.is_failure()).filter(alike) {
            attempt.times += last.times;
            self.attempts.pop();
        } else if self.attempts.len() >= HISTORY {
            self.attempts.remove(self.attempts.iter().position(|kept| !kept.is_failure()).unwrap_or(0));
        }
        self.attempts.push(attempt);
    }
}

impl World {
    /// Writes how a run of generation `generation` ended; a job that has moved on is left alone.
    pub(super) fn settle(&mut self, id: Uuid, generation: i32, end: End) {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.may_end()) else { return };
        if job.generation != generation {
            return;
        }
        // One that was held while it ran is over where its run is, and otherwise stays held.
        let kept = (job.state == State::Held).then(|| (job.held_by.take(), job.held_reason.take()));
        (job.held_by, job.held_reason) = (None, None);
        match end {
            End::Succeeded(result) => {
                job.state = State::Succeeded;
                job.result = result.or(job.result.take());
            }
            End::Cancelled => job.state = State::Cancelled,
            End::Dead { errors, crashes, attempt } => {
                job.errors += errors;
                job.crashes += crashes;
                job.remember(attempt);
                job.state = State::Dead;
            }
            End::Again { at, errors, crashes, interruptions, attempt, reason } => {
                job.errors += errors;
                job.crashes += crashes;
                job.interruptions += interruptions;
                job.remember(attempt);
                job.run_at = at;
                match kept {
                    Some(kept) => (job.held_by, job.held_reason) = kept,
                    None => (job.state, job.held_reason) = (State::Scheduled, reason),
                }
                job.stop_if_asked();
            }
            End::Held { by, reason } => {
                job.state = State::Held;
                // Whoever holds it meanwhile goes on doing so.
                (job.held_by, job.held_reason) = kept.unwrap_or((Some(by), Some(reason)));
                job.stop_if_asked();
            }
        }
        self.untie();
    }

    /// Cancels a job that is not over; one that runs is asked to stop (what was put off meanwhile is over at once: no run is
    /// its own). Answers whether it was not over.
    pub(super) fn cancel(&mut self, id: Uuid) -> bool {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.state.is_pending()) else { return false };
        job.cancel_requested = true;
        if !self.runs.stop(id) || job.state == State::Scheduled {
            job.state = State::Cancelled;
            self.untie();
        }
        true
    }

    /// Holds a job that is not over; what runs comes to its end.
    pub(super) fn hold(&mut self, id: Uuid, by: &str, reason: &str) -> bool {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.state.is_pending()) else { return false };
        job.state = State::Held;
        (job.held_by, job.held_reason) = (Some(by.to_owned()), Some(reason.to_owned()));
        true
    }

    pub(super) fn release(&mut self, id: Uuid) -> bool {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return false };
        if job.state != State::Held || job.held_by.as_deref() == Some(hold::DEPENDENCY) {
            return false;
        }
        if job.ties.is_empty() {
            job.let_go(now);
        } else {
            job.held_by = Some(hold::DEPENDENCY.to_owned());
            job.held_reason = Some("waits for other jobs".to_owned());
        }
        true
    }

    /// Lets dead letters run again with a fresh budget.
    pub(super) fn redrive(&mut self, id: Uuid) -> bool {
        let now = self.now;
        let dead = self.jobs.get_mut(&id).filter(|job| job.state == State::Dead && job.ties.is_empty());
        let Some(job) = dead else { return false };
        (job.errors, job.crashes, job.run_at, job.cancel_requested) = (0, 0, now, false);
        if matches!(job.held_by.as_deref(), Some(hold::APPROVAL | hold::OPERATOR)) {
            job.state = State::Held;
        } else {
            job.let_go(now);
        }
        job.new.not_after = job.new.not_after.filter(|at| *at > now);
        true
    }

    pub(super) fn discard(&mut self, id: Uuid) -> bool {
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.state == State::Dead) else { return false };
        job.state = State::Discarded;
        self.untie();
        true
    }

    /// Makes dead letters of those whose time is over.
    pub(super) fn lapse(&mut self) {
        let now = self.now;
        let mut any = false;
        for job in self.jobs.values_mut().filter(|job| job.state.is_pending() && !self.runs.has(job.new.id)) {
            if job.new.not_after.is_some_and(|at| at < now) {
                let detail = "it was not to run any more".to_owned();
                let (worker, code) = ("keeper".to_owned(), "expired".to_owned());
                job.remember(Attempt { at: now, worker, duration_ms: 0, class: "permanent", code, detail, times: 1 });
                job.state = State::Dead;
                any = true;
            }
        }
        if any {
            self.untie();
        }
    }

    /// Counts a crash for each job whose worker vanished a lease ago, and lets it run again; the last one kills it.
    pub(super) fn expire(&mut self) {
        let now = self.now;
        for id in self.runs.expire(now) {
            let Some(job) = self.jobs.get_mut(&id).filter(|job| job.may_end()) else { continue };
            let (code, detail) = ("worker_lost".to_owned(), "the worker that ran it vanished".to_owned());
            job.remember(Attempt {
                at: now,
                worker: WORKER.to_owned(),
                duration_ms: 0,
                class: CRASH,
                code,
                detail,
                times: 1,
            });
            job.crashes += 1;
            if job.crashes >= POISON {
                job.state = State::Dead;
                self.untie();
            }
        }
    }

    pub(super) fn group(&self, tenant: Uuid, id: Uuid) -> GroupCounts {
        let sealed = self.sealed.get(&(tenant, id)).copied().unwrap_or(false);
        let mut counts = GroupCounts { ended: sealed, ..GroupCounts::default() };
        for job in self.jobs.values().filter(|job| job.new.tenant_id == tenant && job.group() == Some(id)) {
            counts.total += 1;
            match job.state {
                State::Succeeded => counts.succeeded += 1,
                State::Dead => counts.failed += 1,
                State::Cancelled | State::Discarded => counts.cancelled += 1,
                _ => counts.ended = false,
            }
        }
        counts
    }
}
