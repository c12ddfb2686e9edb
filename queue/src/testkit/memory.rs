//! The world in memory, behind one lock that no handler holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::limits::{Asking, Limits};
use super::row::{State, TestJob};
use super::runs::Runs;
use super::turn::Turns;
use crate::JobContext;
use crate::lanes::{LaneName, Report};
use crate::ledger::progress::Progress;

/// Everything.
pub(crate) struct Memory(Mutex<World>);

pub(super) struct World {
    pub now: DateTime<Utc>,
    pub jobs: BTreeMap<Uuid, TestJob>,
    pub limits: Limits,
    pub turns: Turns,
    pub runs: Runs,
    pub sealed: HashMap<(Uuid, Uuid), bool>,
    pub keys: HashMap<(Uuid, String, String), Key>,
    pub tails: HashMap<(Uuid, String), Uuid>,
}

/// Who took a unique key last, who follows, and until when it stays taken.
#[derive(Clone, Copy, Default)]
pub(super) struct Key {
    pub holder: Option<Uuid>,
    pub next: Option<Uuid>,
    pub until: Option<DateTime<Utc>>,
}

impl Memory {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(World {
            now,
            jobs: BTreeMap::new(),
            limits: Limits::default(),
            turns: Turns::default(),
            runs: Runs::default(),
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

    pub(crate) fn take_tokens(&self, ctx: &JobContext, lane: &LaneName, want: i64) -> Result<i64, DateTime<Utc>> {
        let World { limits, runs, now, .. } = &mut *self.world();
        limits.take(Asking { queue: ctx.queue(), job: ctx.id(), now: *now, runs }, lane, want)
    }

    pub(crate) fn penalise(&self, queue: &str, lane: LaneName, until: DateTime<Utc>) {
        self.world().limits.penalise(queue, lane, until);
    }

    pub(crate) fn report(&self, queue: &str, key: LaneName, went: Report) -> Option<DateTime<Utc>> {
        let World { limits, now, .. } = &mut *self.world();
        limits.report(queue, key, went, *now)
    }

    pub(crate) fn note_progress(&self, id: Uuid, progress: Progress) {
        if let Some(job) = self.world().jobs.get_mut(&id) {
            job.progress = progress;
        }
    }
}

impl World {
    /// What the keeper does, and has always done before anybody looks.
    pub(super) fn keep(&mut self) {
        self.promote();
        self.expire();
        self.lapse();
    }

    /// Turns due jobs into waiting ones.
    fn promote(&mut self) {
        let now = self.now;
        for job in self.jobs.values_mut().filter(|job| job.state == State::Scheduled && job.run_at <= now) {
            job.state = State::Waiting;
            job.held_reason = None;
        }
    }

    /// Moves the clock.
    pub(super) fn skip(&mut self, by: TimeDelta) {
        self.now += by;
        self.keep();
    }
}

impl TestJob {
    pub(super) fn let_go(&mut self, now: DateTime<Utc>) {
        self.state = if self.run_at > now { State::Scheduled } else { State::Waiting };
        (self.held_by, self.held_reason) = (None, None);
    }
}
