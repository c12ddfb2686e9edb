//! Running what is due, by the handlers of a registry.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use apalis_core::error::BoxDynError;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::memory::{Memory, World};
use super::row::{State, TestJob};
use super::{Drained, TestQueue};
use crate::backend::{Over, Unclaimed, judge, parked, told};
use crate::ledger::hold::{KIND_PAUSE, VERSION};
use crate::ledger::settle::End;
use crate::{JobContext, Outcome, Registry};

/// Who runs jobs here.
pub(super) const WORKER: &str = "testkit";
/// Runs of one drain after which something is wrong.
const MOST: u32 = 100_000;

/// A run of a job, as the job was when it began. One that is dropped before its end was written is lost, as it is with the
/// worker that had it.
struct Run {
    memory: Arc<Memory>,
    job: TestJob,
    stop: CancellationToken,
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut world = self.memory.world();
        let now = world.now;
        world.runs.lose(self.job.new.id, now);
    }
}

impl TestQueue {
    /// Runs what is due, one job after the other, each in its turn, until nothing is due any more. The clock stands still
    /// meanwhile.
    ///
    /// # Panics
    /// After 100,000 runs: a job must be enqueueing itself for ever.
    pub async fn drain(&self, registry: &Registry) -> Drained {
        self.drain_with(registry, 1).await
    }

    /// The same with up to `slots` jobs at a time, as far as limits on what runs let them. They take turns in the task that
    /// calls: which goes on when is up to what they wait for, and nothing else.
    ///
    /// A drain that is dropped is a worker that vanishes with all that it runs: see [`crash`](Self::crash).
    ///
    /// # Panics
    /// As [`drain`](Self::drain).
    pub async fn drain_with(&self, registry: &Registry, slots: usize) -> Drained {
        let mut drained = Drained::default();
        let mut running = FuturesUnordered::new();
        self.unpark(registry);
        for _ in 0..MOST {
            while running.len() < slots.max(1)
                && let Some(run) = self.take()
            {
                running.push(run.finish(registry));
            }
            let Some(end) = running.next().await else { return drained };
            drained.count(&end);
        }
        panic!("after {MOST} runs jobs are still due: does one enqueue itself?");
    }

    /// Runs the job `id` now, whatever its turn, and answers how it stands then. For a test of one handler.
    ///
    /// # Panics
    /// When it is not waiting.
    pub async fn run_one(&self, registry: &Registry, id: Uuid) -> TestJob {
        self.take_one(id).finish(registry).await;
        self.job(id)
    }

    /// Runs the job `id` now, whatever its turn, in a worker that vanishes at `when`: its handler is dropped where it
    /// stands then. With `ready(())` it never begins; with `pending()` it comes to its end, and nobody hears of it.
    ///
    /// As nobody says that the worker is gone, the job keeps its place among those that run until its lease has run out: a
    /// [`skip`](Self::skip) of [`LEASE`](super::LEASE) later a crash is counted, and the job runs again, or is a dead
    /// letter after the third.
    ///
    /// # Panics
    /// When it is not waiting.
    pub async fn crash(&self, registry: &Registry, id: Uuid, when: impl Future<Output = ()>) {
        let run = self.take_one(id);
        tokio::select! {
            biased;
            () = when => {}
            // Its end is not written.
            _ = run.end(registry) => {}
        }
    }

    /// Lets go what was parked and need not be any more.
    fn unpark(&self, registry: &Registry) {
        let known = registry.versions();
        let mut world = self.memory.world();
        let now = world.now;
        let free: Vec<Uuid> = world
            .jobs
            .values()
            .filter(|job| match job.held_by.as_deref() {
                Some(VERSION) => known.get(&job.new.kind).is_some_and(|newest| *newest >= job.new.version),
                Some(KIND_PAUSE) => !world.limits.kind_paused(&job.new, now),
                _ => false,
            })
            .map(|job| job.new.id)
            .collect();
        for id in free {
            world.release(id);
        }
    }

    fn take(&self) -> Option<Run> {
        let mut world = self.memory.world();
        world.keep();
        let id = world.next()?;
        Some(self.begin(&mut world, id))
    }

    fn take_one(&self, id: Uuid) -> Run {
        let mut world = self.memory.world();
        world.keep();
        let waits = world.jobs.get(&id).is_some_and(|job| job.state == State::Waiting) && !world.runs.has(id);
        if !waits {
            drop(world);
            panic!("job {id} does not wait to be run");
        }
        self.begin(&mut world, id)
    }

    fn begin(&self, world: &mut World, id: Uuid) -> Run {
        let stop = CancellationToken::new();
        let World { jobs, runs, .. } = world;
        let job = jobs.get_mut(&id).expect("chosen from what there is");
        job.token = runs.begin(job, stop.clone());
        Run { memory: self.memory.clone(), job: job.clone(), stop }
    }
}

impl Run {
    /// Runs the job, and writes how it ended.
    async fn finish(self, registry: &Registry) -> End {
        let end = self.end(registry).await;
        let mut world = self.memory.world();
        world.runs.end(self.job.new.id);
        world.settle(self.job.new.id, self.job.generation, end.clone());
        end
    }

    /// Runs the job; answers how it ends.
    async fn end(&self, registry: &Registry) -> End {
        let (id, now) = (self.job.new.id, self.memory.now());
        if self.memory.world().limits.kind_paused(&self.job.new, now) {
            return parked(&self.job.new.kind);
        }
        if let Some(job) = self.memory.world().jobs.get_mut(&id) {
            job.runs += 1;
        }
        if self.job.cancel_requested {
            self.stop.cancel();
        }
        let (began, envelope) = (Instant::now(), self.job.envelope());
        let result = self.attempt(registry).await;
        let cancelled = self.memory.world().jobs.get(&id).is_some_and(|job| job.cancel_requested);
        let over =
            Over { worker: WORKER, envelope: &envelope, at: now, ran: began.elapsed(), interrupted: false, cancelled };
        judge(&over, result)
    }

    async fn attempt(&self, registry: &Registry) -> Result<Outcome, BoxDynError> {
        let job = &self.job.new;
        let unclaimed = Unclaimed { kind: job.kind.clone(), version: job.version };
        let Some(handler) = registry.get(&job.kind) else { return Err(unclaimed.into()) };
        let (policy, seal) = (handler.policy(), registry.seal());
        let (memory, stop) = (self.memory.clone(), self.stop.clone());
        let ctx = JobContext::in_memory(self.job.envelope(), &job.queue, WORKER, memory, stop);
        let run = handler.run(job.version, &job.payload, seal.as_deref(), &ctx);
        let ended = AssertUnwindSafe(tokio::time::timeout(policy.timeout, run)).catch_unwind().await;
        told(ended, policy, unclaimed)
    }
}

impl Drained {
    fn count(&mut self, end: &End) {
        let counter = match end {
            End::Succeeded(_) => &mut self.succeeded,
            End::Cancelled => &mut self.cancelled,
            End::Dead { .. } => &mut self.dead,
            End::Held { .. } => &mut self.held,
            End::Again { .. } if end.is_error() => &mut self.retried,
            End::Again { .. } => &mut self.snoozed,
        };
        *counter += 1;
    }
}
