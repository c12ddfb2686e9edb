//! Jobs that are handed in, in memory: the ledger's insert, and what a unique key makes of it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::memory::{Key, World};
use super::row::{State, TestJob};
use crate::ledger::Inserted;
use crate::ledger::progress::Progress;
use crate::{Conflict, NewJob};

impl World {
    /// Takes jobs, as [`ledger::enqueue`](crate::ledger::enqueue) does.
    pub(super) fn enqueue(&mut self, jobs: Vec<NewJob>) -> Vec<Inserted> {
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut fresh = Vec::new();
        for job in jobs {
            let (outcome, successor_of) = self.admit(&job);
            if outcome.is_none() {
                fresh.push((job.id, successor_of));
                self.put(job);
            }
            outcomes.push(outcome);
        }
        for (id, successor_of) in &fresh {
            self.tie(*id, *successor_of);
        }
        self.untie();
        let mut made = fresh.iter().map(|(id, _)| match self.jobs[id].state {
            State::Scheduled => Inserted::Scheduled,
            State::Held => Inserted::Held,
            _ => Inserted::Waiting,
        });
        outcomes.into_iter().map(|outcome| outcome.or_else(|| made.next()).expect("one for each fresh job")).collect()
    }

    fn put(&mut self, job: NewJob) {
        let run_at = job.run_at.unwrap_or(self.now);
        let hold = job.flow.as_ref().and_then(|flow| flow.hold.clone());
        let state = match (&hold, run_at > self.now) {
            (Some(_), _) => State::Held,
            (None, true) => State::Scheduled,
            (None, false) => State::Waiting,
        };
        let row = TestJob {
            state,
            run_at,
            held_by: hold.as_ref().map(|hold| hold.by.clone()),
            held_reason: hold.map(|hold| hold.reason),
            errors: 0,
            crashes: 0,
            interruptions: 0,
            attempts: Vec::new(),
            result: None,
            progress: Progress { total: job.total, ..Progress::default() },
            cancel_requested: false,
            runs: 0,
            generation: 0,
            token: 0,
            ties: Vec::new(),
            new: job,
        };
        self.jobs.insert(row.new.id, row);
    }

    fn pending(&self, id: Uuid) -> bool {
        self.jobs.get(&id).is_some_and(|job| job.state.is_pending())
    }

    /// What becomes of a job as far as its unique key goes; and whose successor it is.
    fn admit(&mut self, job: &NewJob) -> (Option<Inserted>, Option<Uuid>) {
        let Some(key) = job.unique_key.clone() else { return (None, None) };
        let name = (job.tenant_id, job.kind.clone(), key);
        let known = self.keys.get(&name).copied().unwrap_or_default();
        let next = known.next.filter(|id| self.pending(*id));
        let (holder, next) = match known.holder.filter(|id| self.pending(*id)) {
            Some(holder) => (Some(holder), next),
            None => (next, None),
        };
        let flow = job.flow.as_deref();
        let window = flow.and_then(|flow| flow.window).map(|window| self.now + window);
        let Some(holder) = holder else {
            if let (Some(until), Some(last)) = (known.until, known.holder)
                && until > self.now
            {
                return (Some(Inserted::Existing(last)), None);
            }
            self.keys.insert(name, Key { holder: Some(job.id), next: None, until: window });
            return (None, None);
        };
        let mut held = Key { holder: Some(holder), next, ..known };
        let outcome = match flow.map(|flow| flow.conflict).unwrap_or_default() {
            Conflict::Keep => (Some(Inserted::Existing(holder)), None),
            Conflict::Replace => {
                self.replace(holder, job);
                (Some(Inserted::Replaced(holder)), None)
            }
            Conflict::PushBack => {
                self.push_back(holder, job.run_at);
                (Some(Inserted::PushedBack(holder)), None)
            }
            Conflict::KeepLast => match next {
                Some(next) => {
                    self.replace(next, job);
                    (Some(Inserted::Replaced(next)), None)
                }
                None => {
                    held.next = Some(job.id);
                    (None, Some(holder))
                }
            },
        };
        self.keys.insert(name, held);
        outcome
    }

    fn replace(&mut self, id: Uuid, with: &NewJob) {
        let now = self.now;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        let (flow, kept) = (job.new.flow.take(), job.new.clone());
        job.new = NewJob {
            id: kept.id,
            lane: kept.lane,
            queue: kept.queue,
            unique_key: kept.unique_key,
            subject: with.subject.clone().or(kept.subject),
            flow,
            ..with.clone()
        };
        job.run_at = with.run_at.unwrap_or(now);
        (job.errors, job.crashes, job.cancel_requested) = (0, 0, false);
        job.progress = Progress { total: with.total, ..Progress::default() };
        job.generation += 1;
        if job.state != State::Held {
            job.state = if job.run_at > now { State::Scheduled } else { State::Waiting };
            job.held_reason = None;
        }
    }

    fn push_back(&mut self, id: Uuid, to: Option<DateTime<Utc>>) {
        let now = self.now;
        let Some((job, to)) = self.jobs.get_mut(&id).zip(to) else { return };
        if job.run_at >= to {
            return;
        }
        if job.state != State::Scheduled {
            job.generation += 1;
        }
        (job.run_at, job.cancel_requested) = (to, false);
        if job.state != State::Held {
            job.state = if to > now { State::Scheduled } else { State::Waiting };
            job.held_reason = None;
        }
    }
}
