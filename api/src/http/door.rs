//! Whether a tenant may hand in more work: asked in the transaction of the work, before it is written.
//!
//! A queue without a bottom only moves the refusal: to the day on which a tenant finds a week's work before its own. So
//! there is a cap on what may wait, per tenant and queue, and beyond it the caller is told now, and when to come back.

use diesel_async::AsyncPgConnection;
use patchbay_db::{DbError, DbResult, TypedId, ids::TenantId};
use patchbay_queue::ledger::{DepthGuard, Full};

use super::{code::Code, problem::Problem};

/// Asks for room for `jobs` more of `tenant` in `queue`.
///
/// # Errors
/// The database's, and inside it the refusal.
pub async fn room(
    guard: &DepthGuard,
    conn: &mut AsyncPgConnection,
    tenant: TenantId,
    queue: &str,
    jobs: usize,
) -> DbResult<Result<(), Full>> {
    let jobs = i64::try_from(jobs).unwrap_or(i64::MAX);
    guard.admit(conn, tenant.uuid(), queue, jobs).await.map_err(DbError::from)
}

/// As [`room`], with the refusal as a problem.
///
/// # Errors
/// `queue_full`; the database's.
pub async fn admit(
    guard: &DepthGuard,
    conn: &mut AsyncPgConnection,
    tenant: TenantId,
    queue: &str,
    jobs: usize,
) -> Result<(), Problem> {
    room(guard, conn, tenant, queue, jobs).await?.map_err(|full| refusal(queue, full))
}

/// What a caller is told whose queue is full.
#[must_use]
pub fn refusal(queue: &str, full: Full) -> Problem {
    let detail = format!("{} jobs of yours wait in the queue {queue}, and {} may.", full.waiting, full.cap);
    Problem::new(Code::QueueFull, detail).retry_after(full.retry_after)
}
