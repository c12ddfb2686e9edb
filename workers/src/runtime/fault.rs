//! What a fault of the database means for a job.

use patchbay_db::DbError;
use patchbay_queue::JobError;

/// Weather is retried. Anything else is a mistake of ours, which a retry after a deploy may mend; its cause goes to the
/// log.
#[must_use]
pub fn db(error: &DbError) -> JobError {
    if error.is_retryable() {
        return JobError::retryable("database_unavailable", error.to_string());
    }
    tracing::error!(?error, "a statement of a job failed");
    JobError::retryable("database_error", error.to_string())
}
