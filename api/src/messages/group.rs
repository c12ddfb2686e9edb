//! Accepting single messages together: what arrives while one transaction of a tenant is under way shares the next.
//!
//! Each message still has a job and an answer of its own. A request with an idempotency key goes its own way, because
//! its answer is stored in its own transaction.

use std::sync::Arc;
use std::time::Duration;

use patchbay_db::{Db, DbError, ids::TenantId};
use patchbay_domain::messages::accept::{Call, Verdict, accept};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job as _;
use patchbay_queue::group_commit::{GroupCommit, GroupError, GroupSize};
use patchbay_queue::ledger::{DepthGuard, Full};
use patchbay_service::Clock;

use super::draft::measure;
use crate::http::{Code, Problem, door};

/// Calls of one transaction, and of one tenant waiting for theirs.
const SIZE: GroupSize = GroupSize { set: 100, waiting: 2_000, pause: Duration::ZERO };

/// Accepts messages. One a process; cheap to clone.
#[derive(Debug, Clone)]
pub struct Acceptor(GroupCommit<TenantId, Call, Verdict, Refused>);

/// Why a set of calls was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Refused {
    /// The database's.
    #[error(transparent)]
    Db(Arc<DbError>),
    /// There is no room for more work of the tenant.
    #[error("the tenant's queue is full")]
    Full(Full),
}

impl From<DbError> for Refused {
    fn from(error: DbError) -> Self {
        Self::Db(Arc::new(error))
    }
}

impl Acceptor {
    /// The acceptor of this process.
    #[must_use]
    pub fn new(db: &Db, clock: &Arc<dyn Clock>, depth: &DepthGuard) -> Self {
        let (db, clock, depth) = (db.clone(), Arc::clone(clock), depth.clone());
        Self(GroupCommit::new(SIZE, move |tenant, calls: Vec<Call>| {
            let (db, clock, depth) = (db.clone(), Arc::clone(&clock), depth.clone());
            async move {
                let mut tx = db.begin(tenant).await?;
                let room = door::room(&depth, &mut tx, tenant, SendMessages::QUEUE, calls.len()).await?;
                room.map_err(Refused::Full)?;
                let verdicts = accept(&mut tx, db.ids(), clock.now(), measure, calls).await?;
                tx.commit().await?;
                Ok(verdicts)
            }
        }))
    }

    /// Accepts or refuses `call`; returns once that is committed.
    ///
    /// # Errors
    /// `queue_full`; `unavailable` where the database is, or where too much waits for it.
    pub(super) async fn accept(&self, tenant: TenantId, call: Call) -> Result<Verdict, Problem> {
        self.0.submit(tenant, call).await.map_err(|error| match error {
            GroupError::Flush(Refused::Full(full)) => door::refusal(SendMessages::QUEUE, full),
            GroupError::Flush(Refused::Db(error)) if !passes(&error) => Problem::internal(error),
            error => Problem::of(Code::Unavailable).retry_after(Duration::from_secs(1)).caused_by(error),
        })
    }
}

/// Whether the same call may well be accepted a moment later. A contact that was deleted between the look and the write
/// is found missing by the next look.
fn passes(error: &DbError) -> bool {
    error.is_retryable() || matches!(error, DbError::Reference { .. })
}
