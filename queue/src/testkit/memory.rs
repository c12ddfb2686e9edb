//! The ledger in memory: what becomes of a job that is handed in, cancelled, held, released, redriven.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::limits::Limits;
use super::row::{State, TestJob};
use super::turn::Turns;
use crate::lanes::LaneName;
use crate::ledger::progress::Progress;
use crate::ledger::{Inserted, hold};
use crate::{After, Conflict, NewJob};

/// Everything, behind one lock that no handler holds.
pub(crate) struct Memory(Mutex<World>);

pub(super) struct World {
    pub now: DateTime<Utc>,
    pub jobs: BTreeMap<Uuid, TestJob>,
    pub limits: Limits,
    pub turns: Turns,
    pub running: Option<(Uuid, CancellationToken)>,
    pub sealed: HashMap<(Uuid, Uuid), bool>,
    keys: HashMap<(Uuid, String, String), Key>,
    tails: HashMap<(Uuid, String), Uuid>,
}

/// Who took a unique key last, who follows, and until when it stays taken.
#[derive(Clone, Copy, Default)]
struct Key {
    holder: Option<Uuid>,
    next: Option<Uuid>,
    until: Option<DateTime<Utc>>,
}

impl Memory {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(World {
            now,
            jobs: BTreeMap::new(),
            limits: Limits::default(),
            turns: Turns::default(),
            running: None,
            sealed: HashMap::new(),
            keys: HashMap::new(),
            tails: HashMap::new(),
        }))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no holder of this lock can panic")
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.world().now
    }

    pub(crate) fn take_tokens(&self, queue: &str, lane: &LaneName, want: i64) -> Result<i64, DateTime<Utc>> {
        let mut world = self.world();
        let now = world.now;
        world.limits.take(queue, lane, want, now)
    }

    pub(crate) fn penalise(&self, queue: &str, lane: LaneName, until: DateTime<Utc>) {
        self.world().limits.penalise(queue, lane, until);
    }

    pub(crate) fn note_progress(&self, id: Uuid, progress: Progress) {
        if let Some(job) = self.world().jobs.get_mut(&id) {
            job.progress = progress;
        }
    }
}

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
            ties: Vec::new(),
            new: job,
        };
        self.jobs.insert(row.new.id, row);
    }

    pub(super) fn runs_now(&self, id: Uuid) -> bool {
        self.running.as_ref().is_some_and(|(running, _)| *running == id)
    }

    pub(super) fn pending(&self, id: Uuid) -> bool {
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
                && until >= self.now
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
        (job.errors, job.crashes) = (0, 0);
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
        if job.state == State::Waiting {
            job.generation += 1;
        }
        job.run_at = to;
        if job.state != State::Held {
            job.state = if to > now { State::Scheduled } else { State::Waiting };
        }
    }

    /// Ties a new job to what it names, to the one before it in its order, and to the holder of its unique key.
    fn tie(&mut self, id: Uuid, successor_of: Option<Uuid>) {
        let job = &self.jobs[&id];
        let tenant = job.new.tenant_id;
        let flow = job.new.flow.as_deref();
        let mut ties: Vec<After> = flow.map(|flow| flow.after.clone()).unwrap_or_default();
        if let Some(key) = flow.and_then(|flow| flow.order.clone()) {
            let before = self.tails.insert((tenant, key), id);
            ties.extend(before.map(|on| After { on, group: false, any_end: false }));
        }
        ties.extend(successor_of.map(|on| After { on, group: false, any_end: true }));
        ties.retain(|tie| tie.on != id && !self.is_over(tenant, *tie));
        if ties.is_empty() {
            return;
        }
        let job = self.jobs.get_mut(&id).expect("looked at above");
        job.ties = ties;
        if job.state != State::Held {
            job.state = State::Held;
            job.held_by = Some(hold::DEPENDENCY.to_owned());
            job.held_reason = Some("waits for other jobs".to_owned());
        }
    }

    fn is_over(&self, tenant: Uuid, tie: After) -> bool {
        if tie.group {
            let counts = self.group(tenant, tie.on);
            return counts.ended && (counts.failed == 0 || tie.any_end);
        }
        self.jobs.get(&tie.on).is_none_or(|job| match job.state {
            State::Succeeded | State::Discarded => true,
            // Cancelled in the middle of a chain, it lets nobody run ahead of what it waited for.
            State::Cancelled => job.ties.is_empty(),
            State::Dead => tie.any_end,
            _ => false,
        })
    }

    /// Lets go whoever waits for nothing any more, until nothing changes.
    pub(super) fn untie(&mut self) {
        loop {
            let tied: Vec<Uuid> = self.jobs.values().filter(|job| !job.ties.is_empty()).map(|job| job.new.id).collect();
            let mut changed = false;
            for id in tied {
                let (tenant, mut ties) = (self.jobs[&id].new.tenant_id, self.jobs[&id].ties.clone());
                ties.retain(|tie| !self.is_over(tenant, *tie));
                changed |= ties.is_empty();
                let now = self.now;
                let job = self.jobs.get_mut(&id).expect("listed above");
                job.ties = ties;
                if job.ties.is_empty() && job.state == State::Held && job.held_by.as_deref() == Some(hold::DEPENDENCY) {
                    job.let_go(now);
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Turns due jobs into waiting ones.
    pub(super) fn promote(&mut self) {
        let now = self.now;
        for job in self.jobs.values_mut().filter(|job| job.state == State::Scheduled && job.run_at <= now) {
            job.state = State::Waiting;
            job.held_reason = None;
        }
    }

    /// Moves the clock.
    pub(super) fn skip(&mut self, by: TimeDelta) {
        self.now += by;
        self.promote();
        self.lapse();
    }
}

impl TestJob {
    pub(super) fn let_go(&mut self, now: DateTime<Utc>) {
        self.state = if self.run_at > now { State::Scheduled } else { State::Waiting };
        (self.held_by, self.held_reason) = (None, None);
    }
}
