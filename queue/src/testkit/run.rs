//! Running what is due, by the handlers of a registry.

use std::sync::Arc;
use std::time::Instant;

use apalis_core::error::BoxDynError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::memory::Memory;
use super::row::TestJob;
use super::{Drained, TestQueue};
use crate::backend::{Failed, Over, Panicked, Unclaimed, judge, parked};
use crate::handler::Ran;
use crate::ledger::hold::{KIND_PAUSE, VERSION};
use crate::ledger::settle::End;
use crate::{JobContext, JobError, Outcome, Registry};

/// Who runs jobs here.
const WORKER: &str = "testkit";
/// Runs of one drain after which something is wrong.
const MOST: u32 = 100_000;

impl TestQueue {
    /// Runs what is due, in its turn, until nothing is due any more. The clock stands still meanwhile.
    ///
    /// # Panics
    /// After 100,000 runs: a job must be enqueueing itself for ever.
    pub async fn drain(&self, registry: &Registry) -> Drained {
        let mut drained = Drained::default();
        self.unpark(registry);
        for _ in 0..MOST {
            let Some((job, stop)) = self.take() else { return drained };
            let end = self.run(registry, &job, stop).await;
            drained.count(&end);
            let mut world = self.memory.world();
            world.running = None;
            world.settle(job.new.id, job.generation, end);
        }
        panic!("after {MOST} runs jobs are still due: does one enqueue itself?");
    }

    /// Runs the job `id` now, whatever its turn, and answers how it stands then. For a test of one handler.
    ///
    /// # Panics
    /// When it is not waiting.
    pub async fn run_one(&self, registry: &Registry, id: Uuid) -> TestJob {
        let stop = CancellationToken::new();
        let job = {
            let mut world = self.memory.world();
            world.promote();
            world.running = Some((id, stop.clone()));
            let job = world.jobs.get_mut(&id).filter(|job| job.state == super::State::Waiting);
            let job = job.unwrap_or_else(|| panic!("job {id} does not wait to be run"));
            job.runs += 1;
            job.clone()
        };
        let end = self.run(registry, &job, stop).await;
        let mut world = self.memory.world();
        world.running = None;
        world.settle(id, job.generation, end);
        drop(world);
        self.job(id)
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

    fn take(&self) -> Option<(TestJob, CancellationToken)> {
        let mut world = self.memory.world();
        world.promote();
        world.lapse();
        let id = world.next()?;
        let stop = CancellationToken::new();
        world.running = Some((id, stop.clone()));
        let job = world.jobs.get_mut(&id).expect("chosen from what there is");
        job.runs += 1;
        Some((job.clone(), stop))
    }

    async fn run(&self, registry: &Registry, job: &TestJob, stop: CancellationToken) -> End {
        let now = self.now();
        if self.memory.world().limits.kind_paused(&job.new, now) {
            return parked(&job.new.kind);
        }
        let envelope = job.envelope();
        if job.cancel_requested {
            stop.cancel();
        }
        let began = Instant::now();
        let result = attempt(registry, job, &self.memory, stop).await;
        let cancelled = self.memory.world().jobs.get(&job.new.id).is_some_and(|job| job.cancel_requested);
        let over =
            Over { worker: WORKER, envelope: &envelope, at: now, ran: began.elapsed(), interrupted: false, cancelled };
        judge(&over, result)
    }
}

async fn attempt(
    registry: &Registry,
    job: &TestJob,
    memory: &Arc<Memory>,
    cancel: CancellationToken,
) -> Result<Outcome, BoxDynError> {
    let unclaimed = Unclaimed { kind: job.new.kind.clone(), version: job.new.version };
    let Some(handler) = registry.get(&job.new.kind) else { return Err(unclaimed.into()) };
    let (policy, seal) = (handler.policy(), registry.seal());
    let ctx = JobContext::in_memory(job.envelope(), &job.new.queue, WORKER, memory.clone(), cancel);
    let (version, payload) = (job.new.version, job.new.payload.clone());
    let run = tokio::spawn(async move { handler.run(version, &payload, seal.as_deref(), &ctx).await });
    match tokio::time::timeout(policy.timeout, run).await {
        Ok(Ok(Ran::Ended(result))) => result.map_err(|error| Failed { error, policy }.into()),
        Ok(Ok(Ran::Unknown)) => Err(unclaimed.into()),
        Ok(Err(panic)) => Err(Panicked { detail: panic.to_string(), policy }.into()),
        Err(_) => {
            let detail = format!("ran longer than {} s", policy.timeout.as_secs());
            Err(Failed { error: JobError::retryable("timed_out", detail), policy }.into())
        }
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
