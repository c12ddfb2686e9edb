//! Cancelling what has not been taken up.
//!
//! The state decides, in one statement: a message that a worker has claimed may be on its way and cannot be called
//! back.

use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{JobId, MessageId};
use patchbay_db::{DbResult, Tx};
use patchbay_queue::sql::statement;

/// What came of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It will not be sent.
    Yes {
        /// Its job, where it was the job's only message: to be cancelled too.
        job: Option<JobId>,
    },
    /// It is no longer queued.
    TooLate,
}

const CANCEL: &str = "
WITH done AS (
    UPDATE messages SET state = 'cancelled', updated_at = now()
    WHERE id = $1 AND state = 'queued'
    RETURNING job_id
)
SELECT job_id, NOT EXISTS (SELECT FROM messages o WHERE o.job_id = done.job_id AND o.id <> $1) AS alone FROM done";

#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = Nullable<Uuid>)]
    job_id: Option<JobId>,
    #[diesel(sql_type = Bool)]
    alone: bool,
}

/// Cancels the message `id` if it is still queued.
///
/// # Errors
/// `NotFound` where the tenant has no such message.
pub async fn cancel(tx: &mut Tx, id: MessageId) -> DbResult<Cancelled> {
    let done: Vec<Done> = statement(CANCEL).bind::<Uuid, _>(id).load(tx).await?;
    if let Some(done) = done.into_iter().next() {
        return Ok(Cancelled::Yes { job: done.job_id.filter(|_| done.alone) });
    }
    super::get::get(tx, id).await?;
    Ok(Cancelled::TooLate)
}

/// Cancels what is still queued of the messages of `job`, for a job that is cancelled. Answers how many.
///
/// # Errors
/// The database's.
pub async fn cancel_of_job(tx: &mut Tx, job: JobId) -> DbResult<usize> {
    const OF_JOB: &str =
        "UPDATE messages SET state = 'cancelled', updated_at = now() WHERE job_id = $1 AND state = 'queued'";
    Ok(statement(OF_JOB).bind::<Uuid, _>(job).execute(tx).await?)
}
