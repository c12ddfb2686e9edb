//! What a handler is told about its run, and what it may ask of the engine.

use std::sync::Arc;

use chrono::{DateTime, TimeZone as _, Utc};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backend::Shared;
use crate::lanes::{LaneName, Report};
use crate::ledger::progress::{self, Progress};
use crate::reported::Reported;
use crate::testkit::Memory;
use crate::{Envelope, JobError};

/// Connections of the role that sees every tenant's jobs.
pub type LedgerPool = Pool<AsyncPgConnection>;

/// The code of the error that [`JobContext::check_cancelled`] ends a run with.
pub(crate) const STOPPED_ON_REQUEST: &str = "cancelled";

/// One run of one job, from the handler's side.
#[derive(Clone)]
pub struct JobContext {
    inner: Arc<Inner>,
}

struct Inner {
    envelope: Envelope,
    engine: Engine,
    cancel: CancellationToken,
}

/// What a run asks of the engine, it asks of this one.
enum Engine {
    /// A worker's.
    Live { shared: Arc<Shared>, reported: Reported },
    /// A test's.
    Memory { memory: Arc<Memory>, queue: String, worker: &'static str },
}

/// What the lane's bucket gave a job that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// Up to as many units as were asked for.
    Granted(i64),
    /// None now.
    RetryAt(DateTime<Utc>),
}

impl JobContext {
    pub(crate) fn new(envelope: Envelope, shared: Arc<Shared>, cancel: CancellationToken, reported: Reported) -> Self {
        Self { inner: Arc::new(Inner { envelope, engine: Engine::Live { shared, reported }, cancel }) }
    }

    pub(crate) fn in_memory(
        envelope: Envelope,
        queue: &str,
        worker: &'static str,
        memory: Arc<Memory>,
        cancel: CancellationToken,
    ) -> Self {
        let engine = Engine::Memory { memory, queue: queue.to_owned(), worker };
        Self { inner: Arc::new(Inner { envelope, engine, cancel }) }
    }

    /// The job's id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.inner.envelope.id
    }

    /// Whose job.
    #[must_use]
    pub fn tenant(&self) -> Uuid {
        self.inner.envelope.header.tenant
    }

    /// The queue it came from.
    #[must_use]
    pub fn queue(&self) -> &str {
        match &self.inner.engine {
            Engine::Live { shared, .. } => &shared.queue,
            Engine::Memory { queue, .. } => queue,
        }
    }

    /// The lane inside the tenant's share.
    #[must_use]
    pub fn lane(&self) -> &str {
        &self.inner.envelope.header.lane
    }

    /// The process that runs it.
    #[must_use]
    pub fn worker(&self) -> &str {
        match &self.inner.engine {
            Engine::Live { shared, .. } => &shared.settings.worker,
            Engine::Memory { worker, .. } => worker,
        }
    }

    /// 1 for the first attempt; crashes count.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        i32::from(self.inner.envelope.header.errors) + i32::from(self.inner.envelope.header.crashes) + 1
    }

    /// The fencing token of this run: greater than that of every run before it. For writes that must not be a late run's.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.inner.envelope.token
    }

    /// Whether an error of this run uses up the budget.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.inner.envelope.header.errors + 1 >= self.inner.envelope.header.max_attempts
    }

    /// The W3C `traceparent` of what caused the job.
    #[must_use]
    pub fn trace(&self) -> Option<&str> {
        self.inner.envelope.header.trace.as_deref()
    }

    /// The request that caused the job.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.inner.envelope.header.request_id.as_deref()
    }

    /// Whether somebody wants the job to stop: a handler asks between two pieces of work, and ends
    /// with [`Outcome::Cancelled`](crate::Outcome::Cancelled).
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancel.is_cancelled()
    }

    /// Resolves when somebody wants the job to stop.
    pub async fn cancelled(&self) {
        self.inner.cancel.cancelled().await;
    }

    /// Ends the run where somebody wants the job to stop: `ctx.check_cancelled()?` between two pieces of work.
    ///
    /// # Errors
    /// Which the engine takes for [`Outcome::Cancelled`](crate::Outcome::Cancelled).
    pub fn check_cancelled(&self) -> Result<(), JobError> {
        if self.is_cancelled() {
            return Err(JobError::permanent(STOPPED_ON_REQUEST, "somebody wants the job to stop"));
        }
        Ok(())
    }

    /// Now, by the engine's clock: the same for all workers, however their machines' clocks are set.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.inner.engine {
            Engine::Live { shared, .. } => shared.settings.clock.now(),
            Engine::Memory { memory, .. } => memory.now(),
        }
    }

    fn lane_name(&self) -> LaneName {
        LaneName { tenant: self.tenant(), lane: self.lane().to_owned() }
    }

    /// Takes up to `want` units from the lane's rate, to be used at once.
    ///
    /// # Errors
    /// Retryable, where Redis does not answer.
    pub async fn take_tokens(&self, want: i64) -> Result<Tokens, JobError> {
        let shared = match &self.inner.engine {
            Engine::Live { shared, .. } => shared,
            Engine::Memory { memory, .. } => {
                return Ok(match memory.take_tokens(self, &self.lane_name(), want) {
                    Ok(units) => Tokens::Granted(units),
                    Err(at) => Tokens::RetryAt(at),
                });
            }
        };
        let granted = shared
            .lanes
            .take_tokens_as(&shared.queue, &self.lane_name(), self.id(), want)
            .await
            .map_err(|error| JobError::retryable("redis_unavailable", error.to_string()))?;
        if granted.units > 0 {
            return Ok(Tokens::Granted(granted.units));
        }
        let at = Utc.timestamp_millis_opt(granted.retry_at_ms).single();
        Ok(Tokens::RetryAt(at.expect("a Unix millisecond from Redis's clock is a time")))
    }

    /// Lets nothing of this job's lane start before `until`, whoever runs it.
    ///
    /// # Errors
    /// Retryable, where Redis does not answer.
    pub async fn penalise(&self, until: DateTime<Utc>) -> Result<(), JobError> {
        match &self.inner.engine {
            Engine::Live { shared, .. } => shared
                .lanes
                .penalise(&shared.queue, &self.lane_name(), until.timestamp_millis())
                .await
                .map_err(|error| JobError::retryable("redis_unavailable", error.to_string())),
            Engine::Memory { memory, queue, .. } => {
                memory.penalise(queue, self.lane_name(), until);
                Ok(())
            }
        }
    }

    /// Tells the circuit breakers of a prefix of the lane (see [`LaneName`]; the tenant's and the one that all tenants
    /// share) that what stands behind it answered.
    pub async fn succeeded(&self, prefix: &str) {
        self.report(prefix, Report::Ok).await;
    }

    /// The same, that it did not answer, or said that it cannot. Enough of these in a row open the breaker, and nothing
    /// of that prefix starts for a while. Answers until when one is open now.
    pub async fn failed(&self, prefix: &str) -> Option<DateTime<Utc>> {
        self.report(prefix, Report::Failure).await
    }

    async fn report(&self, prefix: &str, went: Report) -> Option<DateTime<Utc>> {
        let key = LaneName { tenant: self.tenant(), lane: prefix.to_owned() };
        let shared = match &self.inner.engine {
            Engine::Live { shared, .. } => shared,
            Engine::Memory { memory, queue, .. } => return memory.report(queue, key, went),
        };
        match shared.lanes.report(&shared.queue, &key, went).await {
            Ok(open_until) => open_until.and_then(|ms| Utc.timestamp_millis_opt(ms).single()),
            Err(error) => {
                // A breaker that does not hear of one call hears of the next.
                tracing::debug!(job = %self.id(), %error, "a circuit breaker was not told");
                None
            }
        }
    }

    /// Reports how far the job has come. Written a few times a second at most, and with its outcome. Counts that do not
    /// add up are not taken.
    pub async fn progress(&self, progress: Progress) {
        if !progress.adds_up() {
            tracing::warn!(job = %self.id(), ?progress, "progress that does not add up is not taken");
            return;
        }
        let (shared, reported) = match &self.inner.engine {
            Engine::Live { shared, reported } => (shared, reported),
            Engine::Memory { memory, .. } => return memory.note_progress(self.id(), progress),
        };
        if !reported.note(progress) {
            return;
        }
        let written = async {
            let mut conn = shared.ledger.get().await.map_err(|error| error.to_string())?;
            let set = progress::set(&mut conn, self.tenant(), self.id(), self.fence(), progress);
            set.await.map_err(|error| error.to_string())
        };
        match written.await {
            Ok(_) => reported.written(progress),
            Err(error) => tracing::warn!(job = %self.id(), %error, "progress not written; it goes with the outcome"),
        }
    }
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").field("id", &self.id()).field("queue", &self.queue()).finish_non_exhaustive()
    }
}
