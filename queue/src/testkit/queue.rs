//! The handle that tests hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use uuid::Uuid;

use super::ends::GroupCounts;
use super::memory::Memory;
use super::row::TestJob;
use crate::lanes::{EVERY_QUEUE, LaneName, Limit, PauseScope, RateLimit};
use crate::ledger::{Inserted, circle, hold};
use crate::{Enqueue, EnqueueError, Job, JobRequest, NewJob};

/// The engine in memory; see [the module](super). Clones are the same queue.
#[derive(Clone)]
pub struct TestQueue {
    pub(super) memory: Arc<Memory>,
    made: Arc<AtomicU64>,
    tenant: Uuid,
}

/// A job that has not ended, with its payload.
#[derive(Debug, Clone)]
pub struct Enqueued<J> {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub tenant: Uuid,
    /// Its lane.
    pub lane: String,
    /// From when it may run.
    pub run_at: DateTime<Utc>,
    /// Its payload.
    pub payload: J,
}

/// What came of a [`drain`](TestQueue::drain): runs by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Done.
    pub succeeded: u32,
    /// Failed, and will be tried again.
    pub retried: u32,
    /// Put off without a failure.
    pub snoozed: u32,
    /// Became dead letters.
    pub dead: u32,
    /// Stopped on request.
    pub cancelled: u32,
    /// Held: their kind is paused, or not known to the registry.
    pub held: u32,
}

impl Default for TestQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for TestQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestQueue").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl TestQueue {
    /// An empty queue on the morning of 1 June 2026, a Monday.
    #[must_use]
    pub fn new() -> Self {
        Self::at(Utc.with_ymd_and_hms(2026, 6, 1, 9, 0, 0).single().expect("a time of that year"))
    }

    /// An empty queue whose clock says `now`.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { memory: Arc::new(Memory::new(now)), made: Arc::default(), tenant: Uuid::max() }
    }

    /// What its clock says; what handlers hear from [`JobContext::now`](crate::JobContext::now).
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.memory.now()
    }

    /// Moves the clock. What becomes due, or may run from then on (a rate, opening hours, a breaker), runs at the next
    /// [`drain`](Self::drain).
    pub fn skip(&self, by: Duration) {
        self.memory.world().skip(TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX));
    }

    /// A new id: a UUIDv7 of the queue's clock, greater than those before it in the same millisecond.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&self.made.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
    }

    /// A job of the queue's one default tenant, under a new id.
    pub fn request<J: Job>(&self, job: J) -> JobRequest<J> {
        JobRequest::new(self.id(), self.tenant, job)
    }

    /// Takes a job; answers its id, or that of the living job that has its unique key.
    pub fn enqueue(&self, job: impl Into<NewJob>) -> Uuid {
        let job = job.into();
        let id = job.id;
        match self.enqueue_all(vec![job])[..] {
            [Inserted::Existing(id) | Inserted::Replaced(id) | Inserted::PushedBack(id)] => id,
            _ => id,
        }
    }

    /// Takes jobs, as one transaction does.
    ///
    /// # Panics
    /// When they wait for each other in a circle: the ledger refuses them too. Says which.
    #[track_caller]
    pub fn enqueue_all(&self, jobs: Vec<NewJob>) -> Vec<Inserted> {
        if let Err(circle) = circle::check(&jobs) {
            panic!("the ledger refuses the jobs: {circle}");
        }
        self.memory.world().enqueue(jobs)
    }

    /// The jobs of kind `J` that are not over, oldest first.
    ///
    /// # Panics
    /// When a payload does not decode: the test has made a mistake.
    #[must_use]
    pub fn enqueued<J: Job>(&self) -> Vec<Enqueued<J>> {
        let world = self.memory.world();
        let living = world.jobs.values().filter(|job| job.new.kind == J::KIND && job.state.is_pending());
        let typed = living.map(|job| Enqueued {
            id: job.new.id,
            tenant: job.new.tenant_id,
            lane: job.new.lane.clone(),
            run_at: job.run_at,
            payload: J::decode(job.new.version, &job.new.payload).expect("a test's payload decodes"),
        });
        typed.collect()
    }

    /// Asserts that a job of kind `J` is enqueued of which `wanted` is true, and answers the first.
    ///
    /// # Panics
    /// When there is none; says what there is.
    #[track_caller]
    pub fn assert_enqueued<J: Job>(&self, wanted: impl Fn(&Enqueued<J>) -> bool) -> Enqueued<J> {
        if let Some(found) = self.enqueued::<J>().into_iter().find(|job| wanted(job)) {
            return found;
        }
        let world = self.memory.world();
        let there: Vec<String> = world
            .jobs
            .values()
            .map(|job| format!("{} {}: {}", job.new.kind, job.state.name(), String::from_utf8_lossy(&job.new.payload)))
            .collect();
        drop(world);
        panic!("no job {} as wanted is enqueued; there are:\n{}", J::KIND, there.join("\n"));
    }

    /// Asserts that no job of kind `J` is enqueued.
    ///
    /// # Panics
    /// When there is one.
    #[track_caller]
    pub fn assert_none_enqueued<J: Job>(&self) {
        let count = self.enqueued::<J>().len();
        assert!(count == 0, "{count} jobs {} are enqueued", J::KIND);
    }

    /// The job `id`.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn job(&self, id: Uuid) -> TestJob {
        let found = self.memory.world().jobs.get(&id).cloned();
        found.unwrap_or_else(|| panic!("there is no job {id}"))
    }

    /// All jobs, oldest first.
    #[must_use]
    pub fn jobs(&self) -> Vec<TestJob> {
        self.memory.world().jobs.values().cloned().collect()
    }

    /// Cancels a job; `false`: it was over.
    pub fn cancel(&self, id: Uuid) -> bool {
        self.memory.world().cancel(id)
    }

    /// Holds a job that is not over until it is released; a run of it comes to its end.
    pub fn hold(&self, id: Uuid, reason: &str) -> bool {
        self.memory.world().hold(id, hold::OPERATOR, reason)
    }

    /// Lets a held job go (approves it). One that waits for other jobs goes on waiting.
    pub fn release(&self, id: Uuid) -> bool {
        self.memory.world().release(id)
    }

    /// Lets a dead letter run again, with a fresh budget.
    pub fn redrive(&self, id: Uuid) -> bool {
        self.memory.world().redrive(id)
    }

    /// Puts a dead letter away.
    pub fn discard(&self, id: Uuid) -> bool {
        self.memory.world().discard(id)
    }

    /// Says that no more members will come to a group of the default tenant.
    pub fn seal_group(&self, group: Uuid) {
        let mut world = self.memory.world();
        world.sealed.insert((self.tenant, group), true);
        world.untie();
    }

    /// A group of the default tenant.
    #[must_use]
    pub fn group(&self, group: Uuid) -> GroupCounts {
        self.memory.world().group(self.tenant, group)
    }

    /// Stops serving `scope` of `queue` ([`EVERY_QUEUE`](crate::lanes::EVERY_QUEUE) for all), until then or until it is
    /// resumed.
    pub fn pause(&self, queue: &str, scope: PauseScope, until: Option<DateTime<Utc>>) {
        self.memory.world().limits.pause(queue, scope, until);
    }

    /// Serves `scope` again.
    pub fn resume(&self, queue: &str, scope: &PauseScope) {
        self.memory.world().limits.resume(queue, scope.clone());
    }

    /// Sets all of a key in `queue` ([`EVERY_QUEUE`](crate::lanes::EVERY_QUEUE) for all): what `limit` leaves open is
    /// limited no more. Its `max_waiting` binds nobody here: it is asked at the door, by a
    /// [`DepthGuard`](crate::ledger::DepthGuard), before a job comes to a queue.
    ///
    /// # Panics
    /// When the limit cannot be set; says why.
    #[track_caller]
    pub fn set_limit(&self, queue: &str, limit: Limit) {
        if let Err(unfit) = limit.check(queue) {
            panic!("{limit:?} cannot be set: {unfit}");
        }
        let mut world = self.memory.world();
        let now = world.now;
        world.limits.set(queue, limit, now);
    }

    /// Sets the rate of a key, and leaves what else is set on it.
    ///
    /// # Panics
    /// As [`set_limit`](Self::set_limit).
    #[track_caller]
    pub fn set_rate(&self, queue: &str, rate: RateLimit) {
        let stands = self.memory.world().limits.at(queue, &rate.lane);
        self.set_limit(queue, Limit { rate: Limit::from(rate).rate, ..stands });
    }

    /// Sets a tenant's weight in every queue: its share against the others', 1 where nothing is set.
    ///
    /// # Panics
    /// As [`set_limit`](Self::set_limit).
    #[track_caller]
    pub fn set_weight(&self, tenant: Uuid, weight: f64) {
        let stands = self.memory.world().limits.at(EVERY_QUEUE, &LaneName { tenant, lane: String::new() });
        self.set_limit(EVERY_QUEUE, Limit { weight: Some(weight), ..stands });
    }
}

#[async_trait]
impl Enqueue for TestQueue {
    async fn enqueue(&self, job: NewJob) -> Result<Inserted, EnqueueError> {
        if self.memory.world().jobs.contains_key(&job.id) {
            return Err(EnqueueError::Refused(format!("the id {} is taken", job.id).into()));
        }
        Ok(self.enqueue_all(vec![job]).remove(0))
    }
}
