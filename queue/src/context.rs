//! What a handler is told about its run, and what it may ask of the engine.

use std::sync::Arc;

use chrono::{DateTime, TimeZone as _, Utc};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::Pool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::lanes::LaneName;
use crate::ledger::progress::{self, Progress};
use crate::reported::Reported;
use crate::{Envelope, JobError, Lanes};

/// Connections of the role that sees every tenant's jobs.
pub type LedgerPool = Pool<AsyncPgConnection>;

/// One run of one job, from the handler's side.
#[derive(Clone)]
pub struct JobContext {
    inner: Arc<Inner>,
}

struct Inner {
    envelope: Envelope,
    queue: String,
    worker: String,
    lanes: Lanes,
    ledger: LedgerPool,
    cancel: CancellationToken,
    reported: Reported,
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
    pub(crate) fn new(
        envelope: Envelope,
        queue: &str,
        worker: &str,
        lanes: Lanes,
        ledger: LedgerPool,
        cancel: CancellationToken,
        reported: Reported,
    ) -> Self {
        let inner =
            Inner { envelope, queue: queue.to_owned(), worker: worker.to_owned(), lanes, ledger, cancel, reported };
        Self { inner: Arc::new(inner) }
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
        &self.inner.queue
    }

    /// The lane inside the tenant's share.
    #[must_use]
    pub fn lane(&self) -> &str {
        &self.inner.envelope.header.lane
    }

    /// The process that runs it.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.inner.worker
    }

    /// 1 for the first attempt; crashes count.
    #[must_use]
    pub fn attempt(&self) -> i32 {
        i32::from(self.inner.envelope.header.errors) + i32::from(self.inner.envelope.header.crashes) + 1
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

    fn lane_name(&self) -> LaneName {
        LaneName { tenant: self.tenant(), lane: self.lane().to_owned() }
    }

    /// Takes up to `want` units from the lane's rate, to be used at once.
    ///
    /// # Errors
    /// Retryable, where Redis does not answer.
    pub async fn take_tokens(&self, want: i64) -> Result<Tokens, JobError> {
        let granted = self
            .inner
            .lanes
            .take_tokens(&self.inner.queue, &self.lane_name(), want)
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
        self.inner
            .lanes
            .penalise(&self.inner.queue, &self.lane_name(), until.timestamp_millis())
            .await
            .map_err(|error| JobError::retryable("redis_unavailable", error.to_string()))
    }

    /// Reports how far the job has come. Written a few times a second at most, and with its outcome. Counts that do not
    /// add up are not taken.
    pub async fn progress(&self, progress: Progress) {
        if !progress.adds_up() {
            tracing::warn!(job = %self.id(), ?progress, "progress that does not add up is not taken");
            return;
        }
        if !self.inner.reported.note(progress) {
            return;
        }
        let written = async {
            let mut conn = self.inner.ledger.get().await.map_err(|error| error.to_string())?;
            progress::set(&mut conn, self.tenant(), self.id(), progress).await.map_err(|error| error.to_string())
        };
        match written.await {
            Ok(()) => self.inner.reported.written(progress),
            Err(error) => tracing::warn!(job = %self.id(), %error, "progress not written; it goes with the outcome"),
        }
    }
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").field("id", &self.id()).field("queue", &self.inner.queue).finish_non_exhaustive()
    }
}
