//! How jobs end in memory, and come back: the ledger's settle, cancel, hold, release, redrive, discard and lapse.

use uuid::Uuid;

use super::memory::World;
use super::row::{State, TestJob};
use crate::ledger::attempt::Attempt;
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
    fn remember(&mut self, mut attempt: Attempt) {
        let last = self
            .attempts
            .last()
            .filter(|last| !attempt.is_failure() && last.class == attempt.class && last.code == attempt.code);
        if let Some(last) = last {
            attempt.times += last.times;
            self.attempts.pop();
        } else if self.attempts.len() >= HISTORY {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }
}

impl World {
    /// Writes how a run of generation `generation` ended; a job that has moved on is left alone.
    pub(super) fn settle(&mut self, id: Uuid, generation: i32, end: End) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.state != State::Waiting || job.generation != generation {
            return;
        }
        job.held_reason = None;
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
            End::Again { .. } | End::Held { .. } if job.cancel_requested => job.state = State::Cancelled,
            End::Again { at, errors, crashes, interruptions, attempt, reason } => {
                job.errors += errors;
                job.crashes += crashes;
                job.interruptions += interruptions;
                job.remember(attempt);
                job.held_reason = reason;
                job.run_at = at;
                job.state = State::Scheduled;
            }
            End::Held { by, reason } => {
                job.state = State::Held;
                (job.held_by, job.held_reason) = (Some(by), Some(reason));
            }
        }
        self.untie();
    }

    /// Cancels a job that is not over; one that runs is asked to stop. Answers whether it was not over.
    pub(super) fn cancel(&mut self, id: Uuid) -> bool {
        let running = self.running.as_ref().filter(|(running, _)| *running == id).map(|(_, stop)| stop.clone());
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.state.is_pending()) else { return false };
        job.cancel_requested = true;
        if let Some(stop) = running {
            stop.cancel();
        } else {
            job.state = State::Cancelled;
            self.untie();
        }
        true
    }

    pub(super) fn hold(&mut self, id: Uuid, by: &str, reason: &str) -> bool {
        let running = self.runs_now(id);
        let Some(job) = self.jobs.get_mut(&id).filter(|job| !running && job.state.is_pending()) else { return false };
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
        let Some(job) = self.jobs.get_mut(&id).filter(|job| job.state == State::Dead) else { return false };
        (job.errors, job.crashes, job.run_at, job.state) = (0, 0, now, State::Waiting);
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
        let (now, running) = (self.now, self.running.as_ref().map(|(id, _)| *id));
        let mut any = false;
        for job in self.jobs.values_mut().filter(|job| job.state.is_pending() && running != Some(job.new.id)) {
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
