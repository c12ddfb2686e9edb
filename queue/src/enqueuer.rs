//! Jobs that come one at a time, and alone: many callers' to a commit.
//!
//! Whoever has a record to write that belongs to the job enqueues it in that record's transaction
//! ([`ledger::enqueue`]). Whoever has nothing but the job would pay a commit for each: here those that come while one
//! statement is under way share the next ([`group_commit`](crate::group_commit)), and one that finds nobody goes at once and
//! alone.
//! A set that the database refuses was refused for one of its jobs (an id that is taken, a payload that is too large): each is
//! then found by halves, so that a caller hears only of its own. A set whose connection was lost is not tried again, since it
//! may have been written: its callers hear that it is unknown, and may hand in the same jobs again, because an id that
//! is taken is refused.
//! Rejected: one task a tenant, which shares nothing among many tenants with a job each.

use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::result::{DatabaseErrorKind as Kind, Error};

use crate::context::LedgerPool;
use crate::group_commit::{GroupCommit, GroupError, GroupSize};
use crate::ledger::{self, Inserted};
use crate::{Dispatcher, NewJob};

const SIZE: GroupSize = GroupSize { set: 500, waiting: 10_000, pause: Duration::ZERO };

/// Why a job was not accepted, as far as is known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnqueueError {
    /// Throttled: too many callers wait already.
    #[error("too many jobs wait to be written: hand this one in again in a moment")]
    Full,
    /// Nothing was written; trying again may help.
    #[error("the ledger did not take the job: {0}")]
    Failed(Arc<str>),
    /// Nothing was written, and trying again cannot help: the id is taken, the payload too large, a secret field not sealed.
    #[error("the ledger refuses the job: {0}")]
    Refused(Arc<str>),
    /// The connection was lost on the way: the job was accepted or it was not. The same job, with its id, may be handed
    /// in again; where it had been accepted it is refused then.
    #[error("whether the job was accepted is unknown: {0}")]
    Unknown(Arc<str>),
}

impl EnqueueError {
    fn of(error: &Error) -> Self {
        let detail = error.to_string().into();
        match error {
            Error::DatabaseError(Kind::UnableToSendCommand | Kind::ClosedConnection, _) => Self::Unknown(detail),
            Error::DatabaseError(Kind::UniqueViolation | Kind::CheckViolation | Kind::NotNullViolation, _)
            | Error::SerializationError(_) => Self::Refused(detail),
            _ => Self::Failed(detail),
        }
    }
}

/// What takes jobs: an [`Enqueuer`], and in a test of who enqueues a [`TestQueue`](crate::testkit::TestQueue).
#[async_trait]
pub trait Enqueue: Send + Sync + 'static {
    /// Accepts one job, as [`Enqueuer::enqueue`] does.
    ///
    /// # Errors
    /// See [`EnqueueError`].
    async fn enqueue(&self, job: NewJob) -> Result<Inserted, EnqueueError>;
}

/// Accepts jobs, many callers' to a commit, and hands them to their lanes. One a process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Enqueuer(GroupCommit<(), NewJob, Result<Inserted, EnqueueError>, EnqueueError>);

impl Enqueuer {
    /// One that writes to `ledger`, and has `dispatcher` push what is due.
    #[must_use]
    pub fn new(ledger: LedgerPool, dispatcher: Dispatcher) -> Self {
        Self(GroupCommit::new(SIZE, move |(), jobs| accept(ledger.clone(), dispatcher.clone(), jobs)))
    }

    /// Accepts one job: it is committed when this returns.
    ///
    /// # Errors
    /// See [`EnqueueError`].
    pub async fn enqueue(&self, job: NewJob) -> Result<Inserted, EnqueueError> {
        match self.0.submit((), job).await {
            Ok(answer) => answer,
            Err(GroupError::Full) => Err(EnqueueError::Full),
            Err(GroupError::Flush(error)) => Err(error),
            Err(error @ GroupError::Lost) => Err(EnqueueError::Unknown(error.to_string().into())),
        }
    }
}

#[async_trait]
impl Enqueue for Enqueuer {
    async fn enqueue(&self, job: NewJob) -> Result<Inserted, EnqueueError> {
        Self::enqueue(self, job).await
    }
}

async fn accept(
    ledger: LedgerPool,
    dispatcher: Dispatcher,
    jobs: Vec<NewJob>,
) -> Result<Vec<Result<Inserted, EnqueueError>>, EnqueueError> {
    let mut conn = ledger.get().await.map_err(|error| EnqueueError::Failed(error.to_string().into()))?;
    let mut answers = Vec::with_capacity(jobs.len());
    // What was refused is halved until the guilty are alone; the first half first, so that answers are in order.
    let mut parts = vec![jobs.as_slice()];
    while let Some(part) = parts.pop() {
        let as_of = Instant::now();
        match ledger::enqueue(&mut conn, part).await {
            Ok(enqueued) => {
                let due = part.iter().zip(&enqueued.outcomes).filter(|(_, outcome)| **outcome == Inserted::Waiting);
                due.for_each(|(job, _)| dispatcher.push(slice::from_ref(job), as_of));
                dispatcher.refresh(enqueued.changed, as_of);
                answers.extend(enqueued.outcomes.into_iter().map(Ok));
            }
            Err(error) => {
                let error = EnqueueError::of(&error);
                if part.len() > 1 && matches!(error, EnqueueError::Refused(_) | EnqueueError::Failed(_)) {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                } else {
                    answers.extend(part.iter().map(|_| Err(error.clone())));
                }
            }
        }
    }
    Ok(answers)
}
