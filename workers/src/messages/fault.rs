//! What the writers' faults mean for a job; the database's mean what they mean for every job.

use std::sync::Arc;

use patchbay_db::DbError;
use patchbay_queue::JobError;
use patchbay_queue::group_commit::GroupError;

pub(super) use crate::runtime::fault::db;

/// The fault of a write that shared a transaction with others.
pub(super) fn group(error: GroupError<Arc<DbError>>) -> JobError {
    match error {
        GroupError::Flush(error) => db(&error),
        error => JobError::retryable("writer_busy", error.to_string()),
    }
}
