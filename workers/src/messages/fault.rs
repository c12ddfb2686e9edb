//! What the database's and the writers' faults mean for a job.

use std::sync::Arc;

use patchbay_db::DbError;
use patchbay_domain::messages::group::GroupError;
use patchbay_queue::JobError;

/// Weather is retried; anything else is a mistake of ours, which a retry after a deploy may mend.
pub(super) fn db(error: &DbError) -> JobError {
    if error.is_retryable() {
        return JobError::retryable("database_unavailable", error.to_string());
    }
    tracing::error!(error = ?error, "a statement of a job failed");
    JobError::retryable("database_error", error.to_string())
}

/// The same for a write that shared a transaction with others.
pub(super) fn group(error: GroupError<Arc<DbError>>) -> JobError {
    match error {
        GroupError::Flush(error) => db(&error),
        error => JobError::retryable("writer_busy", error.to_string()),
    }
}
